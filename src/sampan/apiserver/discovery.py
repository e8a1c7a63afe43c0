"""Discovery: what is served, as documents. Made anew when a CustomResourceDefinition comes or goes.

The aggregated form (v2, v2beta1) is one document with an ETag; the legacy form is one document per
group version. Upstream: k8s.io/apiserver pkg/endpoints/discovery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
from msgspec import Struct

from sampan.apiserver.http import JSON, Headers
from sampan.apiserver.resources import Resource, Resources
from sampan.kube.errors import NotFound


class Document(Struct, frozen=True):
    """A body with its headers."""

    body: bytes
    content_type: bytes = JSON
    headers: Headers = []


class Discovery:
    """Documents by path; kept until the resources change."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._made: dict[tuple[str, str], Document] = {}
        self._changed = -1

    def document(self, path: str, accept: str) -> Document | None:
        """The document at /api, /apis, /api/v1, /apis/G, /apis/G/V; None for other paths."""
        if self._changed != self._resources.changed:
            self._made.clear()
            self._changed = self._resources.changed
        parts = tuple(part for part in path.split("/") if part)
        version = _aggregated(accept) if len(parts) == 1 else ""
        key = ("/".join(parts), version)
        known = self._made.get(key)
        if known is None:
            known = self._make(parts, version)
            if known is not None:
                self._made[key] = known
        return known

    def _make(self, parts: tuple[str, ...], version: str) -> Document | None:
        match parts:
            case ("api",):
                return self._grouped(True, version) if version else _plain(self._core())
            case ("apis",):
                return self._grouped(False, version) if version else _plain(self._groups())
            case ("api", found):
                return self._version("", found)
            case ("apis", group):
                return self._group(group)
            case ("apis", group, found):
                return self._version(group, found)
        return None

    def _core(self) -> dict[str, Any]:
        cidrs = [{"clientCIDR": "0.0.0.0/0", "serverAddress": ""}]
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": cidrs}

    def _groups(self) -> dict[str, Any]:
        groups = [self._described(group) for group in self._resources.groups() if group]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _group(self, group: str) -> Document | None:
        if group not in self._resources.groups():
            return None
        return _plain({"kind": "APIGroup", "apiVersion": "v1", **self._described(group)})

    def _described(self, group: str) -> dict[str, Any]:
        versions = [
            {"groupVersion": f"{group}/{version}", "version": version}
            for version in self._resources.groups()[group]
        ]
        return {"name": group, "versions": versions, "preferredVersion": versions[0]}

    def _version(self, group: str, version: str) -> Document | None:
        served = self._resources.groups().get(group)
        if served is None:
            return None
        if version not in served:
            raise NotFound("the server could not find the requested resource")
        entries: list[dict[str, Any]] = []
        for resource in self._resources.in_version(group, version):
            entries.extend(_legacy(resource))
        return _plain(
            {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": f"{group}/{version}" if group else version,
                "resources": sorted(entries, key=_name),
            }
        )

    def _grouped(self, core: bool, version: str) -> Document:
        items = [
            {
                "metadata": {"name": group, "creationTimestamp": None} if group else {},
                "versions": [
                    {
                        "version": served,
                        "resources": [
                            _aggregate(resource)
                            for resource in self._resources.in_version(group, served)
                        ],
                        "freshness": "Current",
                    }
                    for served in versions
                ],
            }
            for group, versions in self._resources.groups().items()
            if (not group) is core
        ]
        body = orjson.dumps(
            {
                "kind": "APIGroupDiscoveryList",
                "apiVersion": f"apidiscovery.k8s.io/{version}",
                "metadata": {},
                "items": items,
            }
        )
        tag = b'"%s"' % hashlib.sha512(body).hexdigest().upper().encode()
        kind = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
        return Document(body, kind.encode(), [(b"etag", tag), (b"vary", b"Accept")])


_name: Callable[[dict[str, Any]], str] = lambda entry: entry["name"]  # noqa: E731


def _plain(document: dict[str, Any]) -> Document:
    return Document(orjson.dumps(document), JSON, [(b"vary", b"Accept")])


def _aggregated(accept: str) -> str:
    """The first version of the aggregated form that the client takes before plain JSON."""
    for choice in accept.split(","):
        if "g=apidiscovery.k8s.io" in choice and "as=APIGroupDiscoveryList" in choice:
            if "v=v2beta1" in choice:
                return "v2beta1"
            if "v=v2" in choice:
                return "v2"
        elif choice.strip().startswith("application/json"):
            return ""
    return ""


def _names(resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if resource.short_names:
        found["shortNames"] = list(resource.short_names)
    if resource.categories:
        found["categories"] = list(resource.categories)
    return found


def _legacy(resource: Resource) -> list[dict[str, Any]]:
    main = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.object_kind,
        "verbs": list(resource.verbs),
        **_names(resource),
    }
    entries: list[dict[str, Any]] = [main]
    for sub in resource.subresources.values():
        entry: dict[str, Any] = {
            "name": f"{resource.plural}/{sub.name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": sub.kind,
            "verbs": list(sub.verbs),
        }
        if (sub.group, sub.version) != (resource.group, resource.version):
            entry |= {"group": sub.group, "version": sub.version}
        entries.append(entry)
    return entries


def _aggregate(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": {
            "group": resource.group,
            "version": resource.version,
            "kind": resource.object_kind,
        },
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
        **_names(resource),
    }
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": {"group": sub.group, "version": sub.version, "kind": sub.kind},
                "verbs": list(sub.verbs),
            }
            for sub in resource.subresources.values()
        ]
    return entry
