"""Facts about processes, and the few system calls that Python does not offer.

Everything Linux-only answers with a harmless default elsewhere (macOS has plain processes only).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_CHILD_SUBREAPER = 36
_PR_CAPBSET_DROP = 24
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63
UMASK = 0o022
"""Of what runs in containers, as everywhere; what we make ourselves is nobody else's to read."""


def check(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def become_subreaper() -> None:
    """Orphans of containers become our children, so that their pids cannot be reused unseen."""
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def forbid_new_privileges() -> None:
    if hasattr(libc, "prctl"):
        check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def drop_capabilities(keep: int = 0) -> None:
    """All but those of the mask, for good: bounding set first, as root would get them back with
    exec."""
    for capability in range(_LAST_CAPABILITY + 1):
        if not keep >> capability & 1 and libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    low, high = keep & 0xFFFFFFFF, keep >> 32
    check(libc.capset(header, (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)), "capset")


def capabilities(pid: int) -> int:
    """The mask of what a process may use; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            found = [line for line in file if line.startswith("CapPrm:")]
    except OSError:
        return 0
    return int(found[0].split()[1], 16) if found else 0


def prefer(score: int) -> None:
    """Whether the kernel kills us first when memory is short (up to 1000). Inherited by what is
    started from now on. To lower it again to 0 is everybody's right."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(score))


def boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def start_ticks(pid: int) -> int:
    """When the process started, in clock ticks after boot: with the pid it names a process for
    good. 0 when there is no such process or no /proc."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0


def alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        if os.path.isdir("/proc/self"):
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def children(pid: int) -> list[int]:
    """A child belongs to the thread that has made it."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with (
                contextlib.suppress(OSError),  # it has just ended
                open(f"/proc/{pid}/task/{task}/children") as file,
            ):
                found += map(int, file.read().split())
    return found


def descendants(pid: int) -> list[int]:
    """The process itself and everything below it, parents first."""
    found = [pid]
    for parent in found:
        found.extend(children(parent))
    return found


def same_program(one: int, other: int) -> bool:
    """Whether two processes run the same executable file; False when it cannot be seen."""
    try:
        a, b = os.stat(f"/proc/{one}/exe"), os.stat(f"/proc/{other}/exe")
    except OSError:
        return False
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def environment(pid: int) -> dict[str, str]:
    """What the process was started with; {} when it cannot be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            entries = os.fsdecode(file.read()).split("\0")
    except OSError:
        return {}
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def resident(pid: int, *, below: bool = True) -> int:
    """Bytes of memory that the process and all below it (or it alone) hold."""
    if not below:
        return _held(pid)
    return sum(map(_held, descendants(pid)))


def _held(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def proportional(pid: int) -> int:
    """As `resident`, with shared pages counted once: each process has its share of them. One
    whose share cannot be read counts with all that it holds."""
    total = 0
    for each in descendants(pid):
        try:
            with open(f"/proc/{each}/smaps_rollup") as file:
                total += next(int(line.split()[1]) << 10 for line in file if line[:4] == "Pss:")
        except (OSError, ValueError, StopIteration):
            total += _held(each)
    return total


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def execute(argv: Sequence[str], env: Mapping[str, str]) -> None:
    """As os.execvpe, which imports a module: no file of Python's is to be found in a sandbox."""
    program = argv[0]
    places = [""] if "/" in program else [p + "/" for p in env.get("PATH", os.defpath).split(":")]
    failure: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for place in places:
        try:
            os.execve(place + program, list(argv), dict(env))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            failure = error
    raise failure
