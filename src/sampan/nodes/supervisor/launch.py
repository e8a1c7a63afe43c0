"""From a fork to the main process of a sandbox, without bubblewrap.

    the fork   makes the namespaces, tells who the init is, and leaves
    init       pid 1 of the sandbox: mounts, gives up its privileges, reaps, writes the exit code
    main       pid 2: what `main_process` returns in

The same three that bubblewrap has, but the first one does not stay: the init becomes the child of
the supervisor (a subreaper). What the init writes can be written by the container, too, as they
are the same user in the same sandbox: it is a number in a file of its own and nothing else.
Runs in any Python from 3.9, as it is also used inside users' interpreters.
"""

from __future__ import annotations

import fcntl
import os
import signal
import termios

from sampan.nodes.supervisor import cgroups, interpreter, join, mounts, overlay, process, shell
from sampan.nodes.supervisor.process import check, libc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

ANSWER, STDIN, STDOUT, STDERR, STATUS, CODE = range(6)
"""What the descriptors of a request are for. ANSWER gets "pid N", or why not, then "warm" if the
zygote itself becomes the program, and is closed when that starts; STATUS gets what bubblewrap would
write; CODE the exit code."""
SAID = "sandbox: "
"""Before what goes wrong in here, on the container's standard error."""

_NEW = {
    "mnt": 0x00020000, "cgroup": 0x02000000, "uts": 0x04000000, "ipc": 0x08000000,
    "pid": 0x20000000,
}  # fmt: skip
_NEW_USER = 0x10000000


def main_process(spec: dict[str, Any], files: Sequence[int]) -> None:
    """Returns only in the main process of the sandbox that `spec` describes, with its streams,
    its working directory, and no other descriptor than `files[ANSWER]`."""
    reader, writer = os.pipe()
    try:
        _bind(spec["bounds"])
        join.join(spec["join"])
        if spec["overlay"]:
            overlay.mount(spec["overlay"])
        _make_namespaces(spec)
        init = os.fork()
    except OSError as error:
        os.write(files[ANSWER], f"error {error}".encode())
        os._exit(1)
    if init:
        _tell(init, files)
        os.write(writer, b"go")
        os._exit(0)
    os.close(writer)
    if os.read(reader, 2) != b"go":
        os._exit(1)
    try:
        _streams(files)
        _complete(spec)
    except OSError as error:
        refuse(error.strerror or str(error))
    failure = os.pipe()
    _begin_session(spec)
    main = os.fork()
    if main:
        _reap(main, files, failure[0], (spec.get("program") or {}).get("shell"))
    _close_all_but({files[ANSWER], failure[1]})
    os.set_inheritable(files[ANSWER], False)
    spec["failure"] = failure[1]


def execute(spec: dict[str, Any]) -> None:
    """The main process becomes the program. Does not return."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        process.execute(spec["argv"], spec["env"])
    except OSError as error:
        os.write(spec["failure"], b"!")
        refuse(f"execvp {spec['argv'][0]}: {error.strerror}")


def refuse(message: str) -> None:
    os.write(2, f"{SAID}{message}\n".encode(errors="replace"))
    os._exit(1)


def _bind(bounds: dict[str, Any]) -> None:
    """As `limits.under`, for what comes after us."""
    cgroups.enter(bounds["groups"])
    if bounds["cpus"]:
        os.sched_setaffinity(0, bounds["cpus"])
    process.prefer(bounds["oom"])


def _make_namespaces(spec: dict[str, Any]) -> None:
    """Also a user namespace, for those who may not make the others without one. It maps root,
    whoever the container is to be: a new instance of devpts belongs to root."""
    user = os.geteuid() != 0 or spec["uid"] or spec["gid"]
    outside = (os.geteuid(), os.getegid())
    spec["inner"] = bool(spec["uid"] or spec["gid"])
    if user:
        check(libc.unshare(_NEW_USER), "user namespace")
        _map_identity((0, 0), outside)
    flags = 0
    for name, flag in _NEW.items():
        if os.path.exists(f"/proc/self/ns/{name}"):
            flags |= flag
    check(libc.unshare(flags), "namespaces")


def _map_identity(inside: tuple[int, int], outside: tuple[int, int]) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside[0]} {outside[0]} 1"),
        ("gid_map", f"{inside[1]} {outside[1]} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _tell(init: int, files: Sequence[int]) -> None:
    space = os.stat(f"/proc/{init}/ns/pid").st_ino
    os.write(files[STATUS], b'{"child-pid": %d, "pid-namespace": %d}\n' % (init, space))
    os.write(files[ANSWER], b"pid %d\n" % init)


def _streams(files: Sequence[int]) -> None:
    for target, source in enumerate((STDIN, STDOUT, STDERR)):
        os.dup2(files[source], target)


def _complete(spec: dict[str, Any]) -> None:
    mounts.build(spec["steps"])
    if spec["hostname"]:
        name = os.fsencode(spec["hostname"])
        check(libc.sethostname(name, len(name)), "hostname")
    if spec["inner"]:
        check(libc.unshare(_NEW_USER), "inner user namespace")
        _map_identity((spec["uid"], spec["gid"]), (0, 0))
    process.drop_capabilities(spec["capabilities"])
    process.forbid_new_privileges()
    os.chdir(spec["cwd"])


def _begin_session(spec: dict[str, Any]) -> None:
    os.umask(process.UMASK)
    os.setsid()
    if spec["tty"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _reap(main: int, files: Sequence[int], failure: int, around: dict[str, Any] | None) -> None:
    """The rest of the init's life: it ends with the main process, and all else with it. `around`:
    what a shell would do, if the main process becomes the program without one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler would let a ^C end us
    out = os.dup(1) if around else failure
    null = os.open(os.devnull, os.O_RDWR)
    for target in range(3):
        os.dup2(null, target)
    _close_all_but({files[CODE], failure, out})
    said = os.read(failure, 1) if around else b""  # which is when it becomes something
    if around and said == shell.WARM and around["judged"]:
        interpreter.show(around["argv"], {})  # who stops it looks for its shell
    ended, status = 0, 0
    while ended != main:
        ended, status = os.wait()
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
    if around and said == shell.WARM:
        os.write(files[CODE], b"%d" % shell.end(around, code, out))
    elif not (said or os.read(failure, 1)):
        os.write(files[CODE], b"%d" % code)
    os._exit(code)


def _close_all_but(keep: set[int]) -> None:
    low = 3
    for fd in sorted(keep):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, 65_536)
