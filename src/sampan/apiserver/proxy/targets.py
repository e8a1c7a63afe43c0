"""Which pod and which port a proxy path means: `[scheme:]name[:port]` of a pod or a service.

Upstream: kubernetes pkg/registry/core/{pod,service} ResourceLocation.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from sampan.apiserver.backend import Backend
from sampan.apiserver.resources import Resource
from sampan.kube import names
from sampan.kube.errors import BadRequest, NotFound, ServiceUnavailable
from sampan.kube.keys import Key, Manifest

_SCHEMES = ("", "http", "https")
_DEFAULT_PORT = {False: 80, True: 443}


class Target(Struct, frozen=True):
    """A port of a pod; `secure` is TLS."""

    pod: Manifest
    port: int
    secure: bool


class Wanted(Struct, frozen=True):
    """The name in the path, taken apart. `port` is a number, a name or ""."""

    name: str
    port: str
    secure: bool


def wanted(text: str, what: str) -> Wanted:
    """`name`, `name:port`, `scheme:name:` or `scheme:name:port`. Raises BadRequest."""
    parts = text.split(":")
    if len(parts) <= 2:
        parts.insert(0, "")
    scheme, name, *rest = parts
    if len(rest) > 1 or not name or scheme not in _SCHEMES or (len(rest) == 0 and scheme):
        raise BadRequest(f'invalid {what} request "{text}"')
    return Wanted(name, rest[0] if rest else "", scheme == "https")


def find(backend: Backend, resource: Resource, namespace: str, text: str) -> Target:
    """Raises NotFound, BadRequest, ServiceUnavailable."""
    asked = wanted(text, resource.singular)
    key = resource.key(namespace, asked.name)
    manifest = backend.get(key)
    if manifest is None:
        raise resource.not_found(asked.name)
    if resource.object_kind == "Pod":
        return Target(manifest, _pod_port(manifest, asked), asked.secure)
    return _served(backend, manifest, asked)


def _pod_port(pod: Manifest, asked: Wanted) -> int:
    if asked.port.isascii() and asked.port.isdigit():
        return _checked(int(asked.port), asked)
    declared = [p for c in pod["spec"]["containers"] for p in c.get("ports") or ()]
    for port in declared:
        if not asked.port or port.get("name") == asked.port:
            return int(port["containerPort"])
    if asked.port:
        raise BadRequest(f'pod "{asked.name}" has no port with the name "{asked.port}"')
    return _DEFAULT_PORT[asked.secure]


def _checked(port: int, asked: Wanted) -> int:
    if not 0 < port < 65536:
        raise BadRequest(f'invalid request: {asked.name}: port "{asked.port}" is out of range')
    return port


def _served(backend: Backend, service: Manifest, asked: Wanted) -> Target:
    """One of the pods behind a service, by lot."""
    name, namespace = asked.name, service["metadata"]["namespace"]
    port = _port_name(service, asked)
    found = list(_candidates(backend.get(Key(names.ENDPOINTS, namespace, name)) or {}, port))
    if not found:
        raise ServiceUnavailable(f'no endpoints available for service "{name}"')
    reference, number = random.choice(found)
    if reference.get("kind") != "Pod":
        text = f'the endpoints of service "{name}" are no pods, and only pods are proxied to'
        raise ServiceUnavailable(text)
    pod = backend.get(Key(names.POD, namespace, reference.get("name") or ""))
    if pod is None or (reference.get("uid") or pod["metadata"]["uid"]) != pod["metadata"]["uid"]:
        raise NotFound(f'the pod behind service "{name}" has just gone')
    return Target(pod, number, asked.secure)


def _port_name(service: Manifest, asked: Wanted) -> str:
    """The service's name for a port that is asked for by number."""
    if not (asked.port.isascii() and asked.port.isdigit()):
        return asked.port
    for port in service["spec"].get("ports") or ():
        if str(port["port"]) == asked.port:
            return str(port.get("name") or "")
    text = f'no service port {asked.port} found for service "{asked.name}"'
    raise ServiceUnavailable(text)


def _candidates(endpoints: Manifest, port: str) -> Iterator[tuple[dict[str, Any], int]]:
    """(reference to what is behind an address, its port) of all that are ready."""
    for subset in endpoints.get("subsets") or ():
        for entry in subset.get("ports") or ():
            if (entry.get("name") or "") == port and entry.get("protocol", "TCP") == "TCP":
                for address in subset.get("addresses") or ():
                    yield address.get("targetRef") or {}, int(entry["port"])
