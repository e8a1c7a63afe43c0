"""Run a command inside a running sandbox: join its namespaces from a forked child.

The network namespace of a pod belongs to the ground's user namespace; the mount, pid, ipc and uts
namespaces to the one that bubblewrap made first, if any; the sandbox itself may sit in another one
below it (`--uid 1000` beside `--dev`). So from the outside in, the owner of each is joined
(NS_GET_USERNS) and then the namespace itself, and the sandbox's own user namespace last. The
middle child leaves at once; the command becomes our child (we are a subreaper), so its exit status
comes to us. Everything up to exec happens after a fork of a single-threaded process. Not for plain
processes: those only need `run_plain`.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios
import time

from sampan.nodes.supervisor import cgroups, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_NS_GET_USERNS = 0xB701
_CLONE = {
    "net": 0x40000000, "mnt": 0x00020000, "pid": 0x20000000, "ipc": 0x08000000, "uts": 0x04000000,
}  # fmt: skip
_CLONE_NEWUSER = 0x10000000
_LOOKS = 20
_MOMENT = 0.001  # seconds


def enter(
    inside: tuple[int, int, Sequence[str]],
    argv: Sequence[str],
    fds: Sequence[int],
    *,
    tty: bool,
    cwd: str,
) -> int:
    """Start `argv` in a sandbox and answer the pid of the command on the host. `inside` is (the
    sandbox's pid 1, the process that has the environment, the directories of its cgroup). OSError
    when the sandbox is gone."""
    init, main, groups = inside
    env = _environment(main)
    if tty:
        env.setdefault("TERM", "xterm")
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        keep = process.capabilities(main)
        command = lambda: _command(argv, env, cwd, tty=tty, keep=keep)  # noqa: E731
        _child(lambda: _middle((init, groups), writer, fds, command))
    os.close(writer)
    try:
        answer = _read_all(reader)
    finally:
        os.close(reader)
    os.waitpid(middle, 0)
    word, _, rest = answer.partition(b" ")
    if word != b"pid":
        raise OSError(
            f"cannot enter the container: {rest.decode(errors='replace') or 'it is gone'}"
        )
    return int(rest)


def _environment(main: int) -> dict[str, str]:
    """There is none to be read in the moment in which the kernel exchanges programs."""
    for _ in range(_LOOKS):
        if env := process.environment(main):
            return env
        time.sleep(_MOMENT)
    return {}


def run_plain(
    argv: Sequence[str],
    env: Mapping[str, str],
    fds: Sequence[int],
    *,
    tty: bool,
    cwd: str,
    groups: Sequence[str] = (),
) -> int:
    """Start `argv` as a session of its own without a sandbox; answers its pid. A command that
    cannot run says so on its standard error and exits with 126 or 127."""
    pid = os.fork()
    if pid == 0:

        def start() -> None:
            cgroups.enter(groups)
            _take(fds)
            _command(argv, env, cwd, tty=tty, plain=True)

        _child(start)
    return pid


def _middle(
    inside: tuple[int, Sequence[str]], writer: int, fds: Sequence[int], command: Callable[[], None]
) -> None:
    init, groups = inside
    try:
        cgroups.enter(groups)  # first: their files are not to be seen in the sandbox
        _join(init)
        pid = os.fork()
    except OSError as error:
        os.write(writer, f"error {error}".encode())
        os._exit(1)
    if pid == 0:
        os.close(writer)
        _take(fds)
        command()
    os.write(writer, f"pid {pid}".encode())
    os._exit(0)


def _join(init: int) -> None:
    files = {name: os.open(f"/proc/{init}/ns/{name}", os.O_RDONLY) for name in (*_CLONE, "user")}
    here = os.open("/proc/self/ns/user", os.O_RDONLY)
    for name, flag in _CLONE.items():
        if name == "net" and _same(files[name], os.open("/proc/self/ns/net", os.O_RDONLY)):
            continue  # the machine's own, whose owner need not be ours to join
        owner = fcntl.ioctl(files[name], _NS_GET_USERNS)
        if not _same(owner, here):
            process.check(process.libc.setns(owner, _CLONE_NEWUSER), "join user namespace")
            here = owner
        process.check(process.libc.setns(files[name], flag), f"join {name} namespace")
    if not _same(files["user"], here):
        process.check(process.libc.setns(files["user"], _CLONE_NEWUSER), "join inner namespace")


def _same(one: int, other: int) -> bool:
    a, b = os.fstat(one), os.fstat(other)
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def _take(fds: Sequence[int]) -> None:
    """The three (or, for a terminal, one) descriptors become 0, 1, 2; all others close."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in fds]
    for target in range(3):
        os.dup2(high[min(target, len(high) - 1)], target)
    os.closerange(3, 65536)


def _command(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    *,
    tty: bool,
    plain: bool = False,
    keep: int = 0,
) -> None:
    """`keep` is a mask of capabilities: those that the container's main process has."""
    os.setsid()
    os.umask(process.UMASK)
    if tty:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    if not plain:
        process.drop_capabilities(keep)
    process.forbid_new_privileges()
    try:
        os.chdir(cwd or "/")
    except OSError as error:
        _refuse(f"chdir to {cwd!r}: {error.strerror}", 126)
    try:
        process.execute(argv, env)
    except FileNotFoundError:
        _refuse(f'exec: "{argv[0]}": executable file not found in $PATH', 127)
    except OSError as error:
        _refuse(f'exec: "{argv[0]}": {error.strerror}', 126)


def _refuse(message: str, code: int) -> None:
    os.write(2, message.encode(errors="replace") + b"\n")
    os._exit(code)


def _child(work: Callable[[], None]) -> None:
    """Run `work`, which ends in exec or _exit; nothing may return into the parent's loop."""
    try:
        signal.set_wakeup_fd(-1)
        work()
    except BaseException as error:
        print(f"exec: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(126)


def _read_all(fd: int) -> bytes:
    data = b""
    while piece := os.read(fd, 4096):
        data += piece
    return data
