"""What an image name says: registry, repository, tag, digest; and where else it may be had.

Pure. Grammar and defaults are those of every container engine (distribution/reference): no registry
is docker.io, no path there is `library/`, no tag is `latest`. Mirrors are prefixes of full names:
the longest that fits is asked first, the registry that the name says comes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from sampan.config import Mirror

DOCKER = "docker.io"
_DOCKER_ALIASES = ("docker.io", "index.docker.io", "registry-1.docker.io")
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.\-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}))?"
    r"(?:@(?P<digest>[a-z0-9]+(?:[.+_\-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_LONGEST = 255


class Reference(Struct, frozen=True):
    """A full name. `tag` is empty only where `digest` is not."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{'@' + self.digest if self.digest else ''}"


def name_of(image: str) -> str | None:
    """The name as it was written, without tag and digest; None when it cannot be read."""
    match = _REFERENCE.fullmatch(image)
    return match["name"] if match and len(match["name"]) <= _LONGEST else None


def aliases(name: str) -> tuple[str, ...]:
    """All that mean the same as a name without tag and digest, itself first."""
    registry, repository = _split(name)
    found = [name, f"{registry}/{repository}"]
    if registry == DOCKER:
        short = repository.removeprefix("library/")
        found += [repository, short, f"{registry}/{short}"]
    return tuple(dict.fromkeys(found))


def is_digest(text: str) -> bool:
    """Whether it names content in a way that can be checked, and is safe as a file name."""
    return _DIGEST.fullmatch(text) is not None


def parse(image: str) -> Reference:
    """The full name. ValueError when no engine would take it."""
    match = _REFERENCE.fullmatch(image)
    if match is None or len(match["name"]) > _LONGEST:
        raise ValueError(f"couldn't parse image name {image!r}")
    tag, digest = match["tag"] or "", match["digest"] or ""
    if digest and not is_digest(digest):
        raise ValueError(f"{digest!r} is no digest that can be checked")
    registry, repository = _split(match["name"])
    return Reference(registry, repository, tag or ("" if digest else "latest"), digest)


def places(reference: Reference, mirrors: Iterable[Mirror]) -> list[Reference]:
    """The same image by the names under which to ask for it, in order."""
    fitting = [mirror for mirror in mirrors if _below(reference.name, mirror.prefix)]
    fitting.sort(key=lambda mirror: len(mirror.prefix), reverse=True)
    found = [_moved(reference, mirror) for mirror in fitting]
    return list(dict.fromkeys([*found, reference]))


def _moved(reference: Reference, mirror: Mirror) -> Reference:
    rest = reference.name[len(mirror.prefix) :].strip("/")
    if mirror.join:
        rest = rest.replace("/", mirror.join)
    moved = parse(f"{mirror.at.rstrip('/')}/{rest}" if rest else mirror.at)
    return Reference(moved.registry, moved.repository, reference.tag, reference.digest)


def _below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix.rstrip("/") + "/")


def _split(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if not slash or not (set(first) & set(".:[") or first == "localhost" or first.lower() != first):
        first, rest = DOCKER, name
    if first in _DOCKER_ALIASES:
        first = DOCKER
        rest = rest if "/" in rest else f"library/{rest}"
    return first, rest
