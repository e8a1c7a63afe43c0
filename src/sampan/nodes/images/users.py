"""Who a container of an image runs as: what the pod says, else the image, by its own /etc/passwd.

Pure but for `read`, which gives the text of a file of the image. Upstream: opencontainers/runc
libcontainer/user, kubernetes pkg/kubelet/kuberuntime security_context.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from sampan.nodes.facts import ConfigError

_LARGEST = (1 << 31) - 1


class Identity(Struct, frozen=True):
    """In the container. `home` is "" when its /etc/passwd does not say."""

    uid: int
    gid: int
    home: str = ""


def identity(
    spec: Mapping[str, Any],
    container: Mapping[str, Any],
    user: str = "",
    read: Callable[[str], str] = lambda _: "",
) -> Identity:
    """`spec` is the pod's, `user` the image's own word. ConfigError for what must not run, and
    for a user that nobody knows."""
    outer, inner = spec.get("securityContext") or {}, container.get("securityContext") or {}
    wanted = inner.get("runAsUser", outer.get("runAsUser"))
    non_root = inner.get("runAsNonRoot", outer.get("runAsNonRoot"))
    name, _, group = user.partition(":")
    if wanted is not None:
        name, group = str(wanted), ""
    elif non_root and name and not name.isdigit():
        raise ConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({name}), cannot verify "
            "user is non-root"
        )
    found = _found(name or "0", group, read)
    if non_root and found.uid == 0:
        if wanted is not None:
            raise ConfigError("container's runAsUser breaks non-root policy")
        raise ConfigError("container has runAsNonRoot and image will run as root")
    wanted_group = inner.get("runAsGroup", outer.get("runAsGroup"))
    gid = found.gid if wanted_group is None else int(wanted_group)
    return Identity(found.uid, gid, found.home)


def _found(name: str, group: str, read: Callable[[str], str]) -> Identity:
    uid, gid, home = _number(name), 0, ""
    for entry in _entries(read("/etc/passwd"), 7):
        if entry[0] == name or (uid is not None and entry[2] == str(uid)):
            uid, gid, home = _number(entry[2]), _number(entry[3]) or 0, entry[5]
            break
    if uid is None:
        raise ConfigError(f"unable to find user {name}: no matching entries in passwd file")
    if group:
        gid = _group(group, read)
    return Identity(uid, gid, home)


def _group(name: str, read: Callable[[str], str]) -> int:
    number = _number(name)
    if number is not None:
        return number
    for entry in _entries(read("/etc/group"), 3):
        found = _number(entry[2])
        if entry[0] == name and found is not None:
            return found
    raise ConfigError(f"unable to find group {name}: no matching entries in group file")


def _entries(text: str, fields: int) -> Iterator[list[str]]:
    for line in text.splitlines():
        parts = line.strip().split(":")
        if len(parts) >= fields:
            yield parts


def _number(text: str) -> int | None:
    if text.isascii() and text.isdigit() and int(text) <= _LARGEST:
        return int(text)
    return None
