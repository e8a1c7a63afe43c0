"""Discovery: which kinds a cluster serves, and at which paths.

Asks for aggregated discovery (two requests) and falls back to the older one (one request for each
group version). Upstream: k8s.io/client-go discovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from sampan.kube.errors import ApiStatus, NotFound
from sampan.kube.keys import kind_of

JSON = "application/json"
_AGGREGATED = ",".join(
    f"{JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    for version in ("v2", "v2beta1")
)


class Resource(Struct, frozen=True):
    """One kind in the version that the server prefers; `versions` are all it can be asked in.
    `singular`, `short` and `categories` are what people may call it by."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    versions: tuple[str, ...]
    singular: str = ""
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def word(self) -> str:
        """How it is printed before a name: `pod`, `deployment.apps`."""
        return f"{self.singular}.{self.group}" if self.group else self.singular

    def path(
        self,
        namespace: str = "",
        name: str = "",
        subresource: str = "",
        *,
        version: str = "",
        **query: str,
    ) -> str:
        """The path of the collection, of an object, or of its subresource, with its query; empty
        parameters are left out."""
        if version not in self.versions:
            version = self.version
        path = f"/apis/{self.group}/{version}" if self.group else f"/api/{version}"
        if self.namespaced and namespace:
            path += f"/namespaces/{quote(namespace, safe='')}"
        parts = (self.plural, name, subresource)
        path += "".join(f"/{quote(part, safe='')}" for part in parts if part)
        given = {key: value for key, value in query.items() if value}
        return f"{path}?{urlencode(given)}" if given else path


class Asking(Protocol):
    """A way to an API server: `sampan.engine.transport`, or another one."""

    async def request(self, method: str, path: str, *, accept: str = JSON) -> Any: ...


class Discovery:
    """What is known; `refresh` asks again."""

    def __init__(self, transport: Asking) -> None:
        self._transport = transport
        self._kinds: dict[str, Resource] = {}

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._kinds.values())

    def find(self, kind: str) -> Resource | None:
        """By kind and group, such as `Deployment.apps`."""
        return self._kinds.get(kind)

    async def need(self, kind: str) -> Resource:
        """Like `find`, but asks the server before it raises NotFound."""
        if kind not in self._kinds:
            await self.refresh()
        found = self._kinds.get(kind)
        if found is None:
            raise NotFound("the server could not find the requested resource")
        return found

    async def refresh(self) -> None:
        found: dict[str, Resource] = {}
        for path in ("/api", "/apis"):
            answer = await self._transport.request("GET", path, accept=f"{_AGGREGATED},{JSON}")
            if "items" in answer:
                each = _aggregated(answer["items"])
            else:
                each = _listed([entry async for entry in self._legacy(path, answer)])
            for resource in each:
                _add(found, resource)
        self._kinds = found

    async def _legacy(self, root: str, answer: Any) -> Any:
        """(group, version, resource list) of each group version, the preferred one first."""
        for group_version in _group_versions(answer):
            group, _, version = group_version.rpartition("/")
            try:
                listed = await self._transport.request("GET", f"{root}/{group_version}")
            except ApiStatus:
                continue  # an aggregated API whose server is down must not hide the others
            yield group, version, listed


def _group_versions(answer: Any) -> Iterator[str]:
    yield from answer.get("versions") or ()
    for group in answer.get("groups") or ():
        preferred = group.get("preferredVersion", {}).get("groupVersion", "")
        every = [each["groupVersion"] for each in group["versions"]]
        yield from sorted(every, key=lambda each: each != preferred)


def _aggregated(groups: Iterable[Any]) -> Iterator[Resource]:
    for group in groups:
        name = (group.get("metadata") or {}).get("name") or ""
        for version in group.get("versions") or ():
            for each in version.get("resources") or ():
                kind = (each.get("responseKind") or {}).get("kind")
                if kind:
                    number = version["version"]
                    yield Resource(
                        name,
                        number,
                        kind,
                        each["resource"],
                        each["scope"] == "Namespaced",
                        (number,),
                        *_words(kind, each.get("singularResource"), each),
                    )


def _listed(found: Iterable[tuple[str, str, Any]]) -> Iterator[Resource]:
    for group, version, listed in found:
        for each in listed.get("resources") or ():
            if "/" not in each["name"]:
                namespaced = bool(each["namespaced"])
                yield Resource(
                    group,
                    version,
                    each["kind"],
                    each["name"],
                    namespaced,
                    (version,),
                    *_words(each["kind"], each.get("singularName"), each),
                )


def _words(
    kind: str, singular: str | None, entry: Any
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    short, categories = entry.get("shortNames") or (), entry.get("categories") or ()
    return singular or kind.lower(), tuple(short), tuple(categories)


def _add(found: dict[str, Resource], resource: Resource) -> None:
    """The first version of a kind is the preferred one; later ones are noted."""
    kind = kind_of(resource.api_version, resource.kind)
    known = found.get(kind)
    if known is None:
        found[kind] = resource
    elif known.plural == resource.plural:
        found[kind] = replace(known, versions=known.versions + resource.versions)
