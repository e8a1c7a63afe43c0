"""A container's file system, made by system calls from the steps of `sandbox.layout`.

Runs in a process that has a mount namespace and a pid namespace to itself. First everything that is
to be seen is picked up by descriptor where the host's paths still lead somewhere; then the root is
replaced, and the pieces are put down in the new one. From that moment a path cannot lead out
of the container, whatever links a volume has, because there is nothing else. Needs Linux 5.12
(mount_setattr); runs in any Python from 3.9, as it is also used inside users' interpreters.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat

from sampan.nodes.supervisor.process import check, libc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _MOUNT_SETATTR = 428, 429, 430, 431, 432, 442
"""The same numbers on every architecture."""
_HERE = -100  # AT_FDCWD
_EMPTY_PATH, _RECURSIVE = 0x1000, 0x8000
_CLONE, _CLOEXEC = 0x1, 0x80000
_FROM_DESCRIPTOR, _FOLLOW = 0x4, 0x10  # MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_SYMLINKS
_SET_FLAG, _SET_STRING, _CREATE = 0, 1, 6
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC = 0x1, 0x2, 0x4, 0x8
_PRIVATE = 1 << 18
_MS_REC, _MS_SLAVE = 0x4000, 1 << 19
_MNT_DETACH = 2

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_WRITABLE_IN_PROC = ("sys", "sysrq-trigger", "irq", "bus")
"""What root could change about the machine; nobody else can anyway."""


class _Attributes(ctypes.Structure):
    _fields_ = [
        ("set", ctypes.c_uint64), ("clear", ctypes.c_uint64), ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    ]  # fmt: skip


def build(steps: Iterable[Sequence[Any]]) -> None:
    """Replace the file system of this process by the one that the steps make. OSError when one
    fails; then this process is good for nothing any more."""
    check(libc.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None), "make mounts private")
    umask = os.umask(0)
    picked = [(step, _pick(step)) for step in steps]
    _replace_root([pieces[""] for step, pieces in picked if _target(step) == "/" and pieces])
    for step, pieces in picked:
        try:
            _STEPS[step[0]](step, pieces)
        except OSError as error:
            raise OSError(error.errno, f"{step[0]} {_target(step)}: {error.strerror}") from None
    os.chdir("/")
    os.umask(umask)


def _target(step: Sequence[Any]) -> str:
    return str(step[2] if step[0] in ("bind", "link") else step[1])


# -- in the host's file system ------------------------------------------------------------------
def _pick(step: Sequence[Any]) -> dict[str, int]:
    """Descriptors of the mounts that the step will put down."""
    if step[0] == "bind":
        _, source, _, read_only, optional, device = step
        try:
            return {"": _pick_up(source, read_only=read_only, device=device)}
        except OSError as error:
            if optional and error.errno == errno.ENOENT:
                return {}
            raise OSError(
                error.errno, f"Can't find source path {source}: {error.strerror}"
            ) from None
    if step[0] == "devices":
        found = {name: _pick_up("/dev/" + name, device=True) for name in _DEVICES}
        found["pts"] = _make(
            "devpts", _NO_SUID | _NO_EXEC, newinstance="", ptmxmode="0666", mode="620"
        )
        return found
    if step[0] == "processes":
        return {"": _make("proc", _NO_SUID | _NO_DEVICES | _NO_EXEC)}
    return {}


def _pick_up(source: str, *, read_only: bool = False, device: bool = False) -> int:
    """A copy of the mounts at `source` and below, not attached to anything."""
    flags = _CLONE | _CLOEXEC | _RECURSIVE
    fd = libc.syscall(_OPEN_TREE, _HERE, os.fsencode(source), flags)
    check(fd, source)
    attributes = _NO_SUID | (0 if device else _NO_DEVICES) | (_READ_ONLY if read_only else 0)
    _restrict(fd, b"", attributes, _EMPTY_PATH | _RECURSIVE)
    return int(fd)


def _make(kind: str, attributes: int, **options: str) -> int:
    """A new file system of this kind, not attached to anything."""
    context = libc.syscall(_FSOPEN, kind.encode(), 1)
    check(context, kind)
    for name, value in options.items():
        command = _SET_STRING if value else _SET_FLAG
        text = value.encode() if value else None
        check(libc.syscall(_FSCONFIG, context, command, name.encode(), text, 0), f"{kind} {name}")
    check(libc.syscall(_FSCONFIG, context, _CREATE, None, None, 0), kind)
    fd = libc.syscall(_FSMOUNT, context, 1, attributes)
    os.close(context)
    check(fd, kind)
    return int(fd)


def _replace_root(given: list[int]) -> None:
    """By an image's file system if one is given, else by an empty one."""
    root = given[0] if given else _make("tmpfs", _NO_SUID | _NO_DEVICES, mode="755")
    _put_down(root, "/tmp", keep=True)  # any directory will do: it is gone in a moment
    os.fchdir(root)
    os.close(root)
    check(libc.pivot_root(b".", b"."), "pivot_root")
    check(libc.umount2(b".", _MNT_DETACH), "leave the old root")
    os.chdir("/")


# -- in the container's file system ---------------------------------------------------------------
def _bind(step: Sequence[Any], pieces: dict[str, int]) -> None:
    if pieces and step[2] != "/":
        _place(step[2], pieces[""])
        _put_down(pieces[""], step[2])


def _devices(step: Sequence[Any], pieces: dict[str, int]) -> None:
    base = step[1]
    _tmpfs(("tmpfs", base, 0o755, 0), {})
    for name in _DEVICES:
        _place(f"{base}/{name}", pieces[name])
        _put_down(pieces[name], f"{base}/{name}")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{base}/{name}")
    os.symlink("/proc/self/fd", f"{base}/fd")
    os.symlink("/proc/kcore", f"{base}/core")
    os.mkdir(f"{base}/shm", 0o755)
    os.mkdir(f"{base}/pts", 0o755)
    _put_down(pieces["pts"], f"{base}/pts")
    os.symlink("pts/ptmx", f"{base}/ptmx")


def _processes(step: Sequence[Any], pieces: dict[str, int]) -> None:
    _directory(step, {})
    _put_down(pieces[""], step[1])
    for name in _WRITABLE_IN_PROC:
        path = f"{step[1]}/{name}"
        if os.access(path, os.W_OK):
            _put_down(_pick_up(path, read_only=True), path)


def _tmpfs(step: Sequence[Any], _pieces: dict[str, int]) -> None:
    _, target, mode, size = step
    _make_directory(target)
    options = {"mode": f"{mode:o}", **({"size": str(size)} if size else {})}
    _put_down(_make("tmpfs", _NO_SUID | _NO_DEVICES, **options), target)


def _directory(step: Sequence[Any], _pieces: dict[str, int]) -> None:
    _make_directory(step[1])


def _link(step: Sequence[Any], _pieces: dict[str, int]) -> None:
    _make_directory(os.path.dirname(step[2]))
    os.symlink(step[1], step[2])


def _seal(step: Sequence[Any], _pieces: dict[str, int]) -> None:
    _restrict(_HERE, os.fsencode(step[1]), _READ_ONLY, 0)


_STEPS = {
    "bind": _bind, "devices": _devices, "directory": _directory, "link": _link,
    "processes": _processes, "seal": _seal, "tmpfs": _tmpfs,
}  # fmt: skip


def _put_down(fd: int, target: str, *, keep: bool = False) -> None:
    flags = _FROM_DESCRIPTOR | _FOLLOW
    check(libc.syscall(_MOVE_MOUNT, fd, b"", _HERE, os.fsencode(target), flags), target)
    if not keep:
        os.close(fd)


def _restrict(fd: int, path: bytes, attributes: int, flags: int) -> None:
    wanted = _Attributes(attributes, 0, _PRIVATE if flags & _RECURSIVE else 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    check(libc.syscall(_MOUNT_SETATTR, fd, path, flags, ctypes.byref(wanted), size), "read-only")


def _place(target: str, fd: int) -> None:
    """Something to mount on: a directory for a directory, a file for anything else."""
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        _make_directory(target)
    elif not os.path.exists(target):
        _make_directory(os.path.dirname(target))
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o644))


def _make_directory(path: str) -> None:
    try:
        os.mkdir(path, 0o755)
    except FileNotFoundError:
        _make_directory(os.path.dirname(path))
        os.mkdir(path, 0o755)
    except FileExistsError:
        pass
