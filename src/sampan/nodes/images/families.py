"""Well-known public images that this machine's own files can stand for.

Only the official repositories: `team.example/python` may contain anything, so it is not guessed at
but pulled, or asked for in the user's table.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sampan.nodes.images.reference import name_of

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
_PAUSE = Family(entrypoint=("sh", "-c", "trap 'exit 0' INT TERM; sleep infinity & wait"))
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
}  # fmt: skip

_PAUSES = ("pause", "pause-amd64", "pause-arm64", "mirrored-pause")
"""In any registry: every installer has a copy of its own, and there is one thing it can do."""


def family_of(image: str) -> Family | None:
    name = name_of(image)
    if name is None:
        return None
    return _BY_NAME.get(name) or (_PAUSE if name.rpartition("/")[2] in _PAUSES else None)
