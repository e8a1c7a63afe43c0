"""Well-known public images that this machine's own files can stand for.

Only the official repositories: `team.example/python` may contain anything, so it is not guessed at
but pulled, or asked for in the user's table. The small programs of the images in Argo's examples
lie in `programs/`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from sampan.nodes.images.reference import name_of
from sampan.nodes.images.runtime import SEARCH

_OFFICIAL = (
    "", "library/", "docker.io/", "docker.io/library/", "index.docker.io/library/",
    "public.ecr.aws/docker/library/", "mirror.gcr.io/library/",
)  # fmt: skip


class Family(Struct, frozen=True):
    """`python` says that the image brings Python; `brings` names programs of `programs/` that it
    has; `needs` is a program of this machine without which it cannot be stood for; `ash` says that
    its `sh` and what else it has are BusyBox's; `in_root` names those of `brings` that lie in `/`
    as well. The rest is ENTRYPOINT and CMD upstream."""

    python: bool = False
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    needs: str = ""
    ash: bool = False
    in_root: tuple[str, ...] = ()


_SHELL = Family(command=("sh",), ash=True)
_BASH = Family(command=("bash",))
_PAUSE = Family(entrypoint=("sh", "-c", "trap 'exit 0' INT TERM; sleep infinity & wait"))
_PYTHON = Family(python=True, command=("python3",))
_COWSAY = Family(command=("cowsay",), brings=("cowsay",))
_ARGOSAY = Family(entrypoint=("argosay",), brings=("argosay", "cowsay"), ash=True,
                  in_root=("argosay",))  # fmt: skip
_ARGO = Family(entrypoint=("argo",), brings=("argo",), needs="python3")
_CURL = Family(entrypoint=("curl",), needs="curl", ash=True)
_GIT = Family(entrypoint=("git",), needs="git", ash=True)
_GO = Family(command=("bash",), needs="go")
_NODE = Family(command=("node",), needs="node")
_JQ = Family(entrypoint=("jq",), needs="jq", ash=True)
_KUBECTL = Family(entrypoint=("kubectl",), needs="kubectl")
_ARGOEXEC = Family(entrypoint=("argoexec",))  # run as a shell; else the node is the executor

_BY_NAME: Mapping[str, Family] = {
    **{prefix + name: family
       for prefix in _OFFICIAL
       for name, family in (
           ("alpine", _SHELL), ("busybox", _SHELL), ("bash", _BASH), ("debian", _BASH),
           ("ubuntu", _BASH), ("python", _PYTHON), ("golang", _GO),
           ("node", _NODE),
       )},
    **{prefix + name: family
       for prefix in ("", "docker.io/")
       for name, family in (
           ("argoproj/argosay", _ARGOSAY), ("docker/whalesay", _COWSAY),
           ("curlimages/curl", _CURL), ("alpine/curl", _CURL), ("alpine/git", _GIT),
           ("bitnami/kubectl", _KUBECTL), ("bitnamilegacy/kubectl", _KUBECTL),
           ("jetbrainsinfra/jq", _JQ), ("byrnedo/alpine-curl", _CURL),
           ("pytorch/pytorch", _PYTHON),  # the default of SDKs for functions; torch if it is here
       )},
    **{f"{registry}/ubi{major}/{name}": family
       for registry in ("registry.access.redhat.com", "registry.redhat.io")
       for major in (8, 9, 10)
       for name, family in (
           ("ubi", _BASH), ("ubi-minimal", _BASH),
           *((f"python-{minor}{size}", _PYTHON)
             for minor in (36, 38, 39, 311, 312, 313) for size in ("", "-minimal")),
       )},
    "quay.io/argoproj/argosay": _ARGOSAY,
    "quay.io/argoproj/argocli": _ARGO,
    "quay.io/argoproj/argoexec": _ARGOEXEC,
    "registry.k8s.io/kubectl": _KUBECTL,
    "ghcr.io/jqlang/jq": _JQ,
    "registry.k8s.io/e2e-test-images/busybox": _SHELL,
    "gcr.io/google-containers/busybox": _SHELL,
    "ghcr.io/containerd/busybox": _SHELL,
    "registry.k8s.io/busybox": _SHELL,
    "k8s.gcr.io/busybox": _SHELL,
}  # fmt: skip
_BY_TAG: Mapping[str, Family] = {"argoproj/argosay:v1": _COWSAY}
"""Where one tag is another program."""

_PAUSES = ("pause", "pause-amd64", "pause-arm64", "mirrored-pause")
"""In any registry: every installer has a copy of its own, and there is one thing it can do."""


def family_of(image: str) -> Family | None:
    """The family of an image that this machine can stand for."""
    name = name_of(image)
    if name is None:
        return None
    family = _BY_TAG.get(image.removeprefix("docker.io/")) or _BY_NAME.get(name)
    if family is None:
        return _PAUSE if name.rpartition("/")[2] in _PAUSES else None
    return family if not family.needs or shutil.which(family.needs) else None


def ash() -> str | None:
    """The program of this machine that understands what BusyBox's shell does (`>&file`,
    `echo -e`, `[[`), which Debian's `sh` does not."""
    return shutil.which("busybox") or shutil.which("bash")


def applets(directory: Path) -> bool:
    """Fill a directory with BusyBox's programs that this machine has none of its own for; whether
    there are any. Those that are there behave as people expect of the machine."""
    program = shutil.which("busybox")
    if program is None:
        return False
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=False)
    search = ":".join(SEARCH)
    wanted = {name for name in listed.stdout.split() if not shutil.which(name, path=search)}
    directory.mkdir(parents=True, exist_ok=True)
    there = {entry.name: os.readlink(entry) for entry in directory.iterdir()}
    for name, target in there.items():
        if name not in wanted or target != program:
            (directory / name).unlink()
    for name in wanted:
        if there.get(name) != program:
            (directory / name).symlink_to(program)
    return bool(wanted)
