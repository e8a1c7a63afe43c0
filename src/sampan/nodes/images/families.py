"""Well-known public images that this machine's own files can stand for.

Only the official repositories: `team.example/python` may contain anything, so it is not guessed at
but asked for in the user's table. Reference grammar: distribution/reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:[a-zA-Z0-9][a-zA-Z0-9.\-]*(?::[0-9]+)?/)?{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}))?"
    r"(?:@[a-z0-9]+(?:[.+_\-][a-z0-9]+)*:[0-9a-fA-F]{32,})?"
)
_OFFICIAL = (
    "", "library/", "docker.io/", "docker.io/library/", "index.docker.io/library/",
    "public.ecr.aws/docker/library/", "mirror.gcr.io/library/",
)  # fmt: skip


class Family(Struct, frozen=True):
    """`python` says that the image brings Python; the rest is ENTRYPOINT and CMD upstream."""

    python: bool = False
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


_SHELL = Family(command=("sh",))
_BASH = Family(command=("bash",))
_PAUSE = Family(entrypoint=("sleep",), command=("infinity",))
_PYTHON = Family(python=True, command=("python3",))

_BY_NAME: Mapping[str, Family] = {
    **{prefix + name: family
       for prefix in _OFFICIAL
       for name, family in (
           ("alpine", _SHELL), ("busybox", _SHELL), ("bash", _BASH), ("debian", _BASH),
           ("ubuntu", _BASH), ("python", _PYTHON),
       )},
    "registry.k8s.io/e2e-test-images/busybox": _SHELL,
    "gcr.io/google-containers/busybox": _SHELL,
    "registry.k8s.io/busybox": _SHELL,
    "k8s.gcr.io/busybox": _SHELL,
    "registry.k8s.io/pause": _PAUSE,
    "k8s.gcr.io/pause": _PAUSE,
}  # fmt: skip


def name_of(image: str) -> str | None:
    """The name without tag and digest; None when the reference cannot be read."""
    match = _REFERENCE.fullmatch(image)
    return match["name"] if match else None


def family_of(image: str) -> Family | None:
    name = name_of(image)
    return _BY_NAME.get(name) if name else None
