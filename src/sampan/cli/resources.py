"""Names of kinds as people type them: `po`, `pods`, `Pod`, `deployments.apps`, `job/hello`.

What the words mean is asked of the cluster (discovery), so kinds of CRDs work like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from msgspec import Struct

from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    from sampan.cli.connect import Client

DISCOVERY = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
)


class Resource(Struct, frozen=True):
    """One kind that the cluster serves, in the version it prefers."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def word(self) -> str:
        """How it is printed before a name: `pod`, `deployment.apps`."""
        return f"{self.singular}.{self.group}" if self.group else self.singular

    def path(self, namespace: str = "", name: str = "", subresource: str = "", **query: str) -> str:
        """The path of the collection (of one namespace), of an object, or of a subresource."""
        path = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if self.namespaced and namespace:
            path += f"/namespaces/{quote(namespace, safe='')}"
        path += f"/{self.plural}"
        path += "".join(f"/{quote(part, safe='')}" for part in (name, subresource) if part)
        query = {key: value for key, value in query.items() if value}
        return f"{path}?{urlencode(query)}" if query else path


class Resources:
    """All kinds of a cluster."""

    def __init__(self, found: Sequence[Resource]) -> None:
        self._found = found

    @classmethod
    async def of(cls, client: Client) -> Resources:
        found: list[Resource] = []
        for path in ("/api", "/apis"):
            answer = await client.get(path, accept=DISCOVERY)
            for group in answer.get("items", ()):
                found += _of_group(group)
        return cls(found)

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
                return _in_version(resource, version)
        raise UserMistake(f'no matches for kind "{kind}" in version "{api_version}"')


def _of_group(group: dict[str, Any]) -> list[Resource]:
    """The first version that has a kind is the preferred one."""
    found: dict[str, Resource] = {}
    name = group["metadata"].get("name", "")
    for version in group.get("versions", ()):
        for each in version.get("resources", ()):
            kind = each["responseKind"]["kind"]
            found.setdefault(
                each["resource"],
                Resource(
                    name,
                    version["version"],
                    kind,
                    each["resource"],
                    each.get("singularResource") or kind.lower(),
                    each["scope"] == "Namespaced",
                    tuple(each.get("shortNames", ())),
                    tuple(each.get("categories", ())),
                ),
            )
    return list(found.values())


def _in_version(resource: Resource, version: str) -> Resource:
    from msgspec.structs import replace

    return replace(resource, version=version)


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
