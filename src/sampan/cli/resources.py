"""Names of kinds as people type them: `po`, `pods`, `Pod`, `deployments.apps`, `job/hello`.

What the words mean is asked of the cluster (discovery), so kinds of CRDs work like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sampan.engine.discovery import Resource
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    from sampan.cli.connect import Client


class Resources:
    """All kinds of a cluster."""

    def __init__(self, found: Sequence[Resource]) -> None:
        self._found = found

    @classmethod
    async def of(cls, client: Client) -> Resources:
        return cls(await client.resources())

    def named(self, word: str) -> Resource:
        """The resource for a plural, singular, short name or kind, with or without its group."""
        name, _, group = word.lower().partition(".")
        for resource in self._found:
            known = (resource.plural, resource.singular, resource.kind.lower(), *resource.short)
            if name in known and group in (
                "",
                resource.group,
                f"{resource.version}.{resource.group}",
            ):
                return resource
        raise UserMistake(f'the cluster has no resource type "{word}"')

    def expand(self, words: str) -> list[Resource]:
        """`pods,svc` or a category such as `all`."""
        found: list[Resource] = []
        for word in words.split(","):
            category = [each for each in self._found if word in each.categories]
            found += category or [self.named(word)]
        return found

    def of_manifest(self, manifest: dict[str, Any]) -> Resource:
        api_version, kind = manifest.get("apiVersion", ""), manifest.get("kind", "")
        group, _, version = api_version.rpartition("/")
        for resource in self._found:
            if resource.kind == kind and resource.group == group:
                return replace(resource, version=version, versions=(version,))
        raise UserMistake(f'no matches for kind "{kind}" in version "{api_version}"')


def targets(resources: Resources, words: Sequence[str]) -> list[tuple[Resource, str]]:
    """`pod a b`, `pod/a job/b` -> (resource, name) pairs; `pod` alone -> (resource, "")."""
    if not words:
        raise UserMistake("name a resource type, such as `pods`, or TYPE/NAME")
    if "/" in words[0]:
        pairs = [word.partition("/") for word in words]
        if any(not slash or not name for _, slash, name in pairs):
            raise UserMistake("after one TYPE/NAME, all must be TYPE/NAME")
        return [(resources.named(kind), name) for kind, _, name in pairs]
    kinds = resources.expand(words[0])
    if len(words) > 1 and len(kinds) > 1:
        raise UserMistake("give names for one resource type, not for several")
    return [(kind, name) for kind in kinds for name in (words[1:] or [""])]
