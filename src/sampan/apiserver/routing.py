"""Routing: a path taken apart by its slashes into what it names. No patterns, no registry.

    /api/v1/namespaces/a/pods/p/log
    /apis/apps/v1/watch/deployments     (legacy watch)
Upstream: k8s.io/apiserver pkg/endpoints/request/requestinfo.go.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

_OF_NAMESPACES = frozenset({"status", "finalize"})
_VERBS = {
    "POST": ("create", "create"),
    "PUT": ("update", "update"),
    "PATCH": ("patch", "patch"),
    "DELETE": ("deletecollection", "delete"),
}


class Route(Struct, frozen=True):
    """A request for a resource. `rest` is what follows a subresource (proxy paths)."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    watch: bool = False
    rest: tuple[str, ...] = ()


@lru_cache(500)
def parse(path: str) -> Route | None:
    """The route of a path; None when it names no resource. Empty segments do not count.

    Remembered: a collection's path is that of each create in it, and of what is polled.
    """
    parts = [part for part in path.split("/") if part]
    if len(parts) > 2 and parts[0] == "api":
        group, version, parts = "", parts[1], parts[2:]
    elif len(parts) > 3 and parts[0] == "apis":
        group, version, parts = parts[1], parts[2], parts[3:]
    else:
        return None
    watch = parts[0] == "watch" and len(parts) > 1
    if watch:
        parts = parts[1:]
    namespace = ""
    if (
        parts[0] == "namespaces"
        and len(parts) > 2
        and not (len(parts) == 3 and parts[2] in _OF_NAMESPACES)
    ):
        namespace, parts = parts[1], parts[2:]
    name = parts[1] if len(parts) > 1 else ""
    subresource = parts[2] if len(parts) > 2 else ""
    return Route(group, version, parts[0], namespace, name, subresource, watch, tuple(parts[3:]))


def verb(method: str, route: Route, *, watching: bool) -> str:
    """The verb that authorisation knows; "" when the method has none."""
    if method in ("GET", "HEAD"):
        if watching:
            return "watch"
        return "get" if route.name else "list"
    verbs = _VERBS.get(method)
    return verbs[1 if route.name else 0] if verbs else ""
