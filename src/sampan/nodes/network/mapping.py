"""Which users there are on the ground: what goes into its uid_map and gid_map.

root maps every user to itself, so that images with several users work, and gets nothing more than
it had; anybody else is root in there, and has the range of /etc/subuid as the others where
`newuidmap` is installed. Written by the parent, since the child has no right to more than itself.
"""

from __future__ import annotations

import os

_PLACES = ("/usr/bin", "/bin", "/usr/local/bin")

Ranges = list[tuple[int, int, int]]
"""First id inside, first id outside, how many."""


def write(pid: int) -> None:
    """For the user namespace that the child `pid` has made. OSError when it is refused."""
    if os.geteuid() == 0:
        for kind in ("uid", "gid"):
            with open(f"/proc/self/{kind}_map") as file:
                _write(pid, f"{kind}_map", text(identity(file.read())))
        return
    if _with_helpers(pid):
        return
    _write(pid, "setgroups", "deny")
    _write(pid, "uid_map", text([(0, os.geteuid(), 1)]))
    _write(pid, "gid_map", text([(0, os.getegid(), 1)]))


def identity(own: str) -> Ranges:
    """Every id that exists here, as itself. `own` is our uid_map or gid_map."""
    lines = (line.split() for line in own.splitlines())
    return [(int(first), int(first), int(count)) for first, _, count in lines]


def delegated(table: str, name: str, number: int) -> Ranges:
    """The ranges of /etc/subuid or /etc/subgid for a user, after root, one behind the other."""
    found: Ranges = []
    following = 1
    for line in table.splitlines():
        parts = line.strip().split(":")
        if len(parts) == 3 and parts[0] in (name, str(number)) and parts[2].isdigit():
            count = int(parts[2])
            found.append((following, int(parts[1]), count))
            following += count
    return found


def text(ranges: Ranges) -> str:
    return "\n".join(" ".join(map(str, each)) for each in ranges)


def several() -> bool:
    """Whether there is more than one user on the ground."""
    return os.geteuid() == 0 or bool(_helpers())


def _with_helpers(pid: int) -> bool:
    """By newuidmap and newgidmap. False when there is nothing to be had that way."""
    helpers = _helpers()
    for program, ranges in helpers:
        _run([program, str(pid), *text(ranges).split()])
    return bool(helpers)


def _helpers() -> list[tuple[str, Ranges]]:
    """The programs, which are installed with the right to do so, and what to ask of them. Both or
    none."""
    wanted: list[tuple[str, Ranges]] = []
    for kind, number in (("uid", os.geteuid()), ("gid", os.getegid())):
        program = next(filter(os.path.exists, (f"{p}/new{kind}map" for p in _PLACES)), "")
        try:
            with open(f"/etc/sub{kind}") as file:
                others = delegated(file.read(), _user_name(), os.geteuid())
        except OSError:
            return []
        if not program or not others:
            return []
        wanted.append((program, [(0, number, 1), *others]))
    return wanted


def _run(command: list[str]) -> None:
    child = os.posix_spawn(command[0], command, {})
    _, status = os.waitpid(child, 0)
    if status:
        raise OSError(f"{command[0]} refuses the range of this user; see /etc/subuid, /etc/subgid")


def _user_name() -> str:
    with open("/etc/passwd") as file:
        for line in file:
            parts = line.split(":")
            if len(parts) > 2 and parts[2] == str(os.geteuid()):
                return parts[0]
    return ""


def _write(pid: int, name: str, content: str) -> None:
    fd = os.open(f"/proc/{pid}/{name}", os.O_WRONLY)
    try:
        os.write(fd, content.encode())
    finally:
        os.close(fd)
