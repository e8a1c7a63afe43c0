"""The environment variables of a container, and `$(NAME)` in its command.

Pure but for `find`. Order, later wins: the image's, services of the namespace, envFrom, env.
`$(NAME)` sees what was declared before it; an unknown name stays as it is, `$$` is a dollar sign.
Upstream: kubernetes pkg/kubelet/kubelet_pods.go makeEnvironmentVariables, third_party/forked/
golang/expansion.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from sampan.kube import names
from sampan.kube.keys import Manifest
from sampan.nodes import facts as fields
from sampan.nodes.facts import ConfigError, PodFacts

_REFERENCE = re.compile(r"\$(\$|\(([^)]*)\))")


def expand(text: str, *tables: Mapping[str, str]) -> str:
    """`$(NAME)` by the first table that has it."""

    def replacement(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return next((table[match[2]] for table in tables if match[2] in table), match[0])

    return _REFERENCE.sub(replacement, text) if "$" in text else text


def variables(
    facts: PodFacts, container: Mapping[str, Any], services: Mapping[str, str]
) -> dict[str, str]:
    """All but the image's own. ConfigError when something that is not optional is missing."""
    own: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        prefix = source.get("prefix") or ""
        for name, value in _all_of(facts, source).items():
            own[prefix + name] = value
    for variable in container.get("env") or ():
        found = _value(facts, container, variable, own, services)
        if found is not None:
            own[variable["name"]] = found
    return {**services, **own}


def service_variables(service: Manifest) -> dict[str, str]:
    """What a service adds to the pods of its namespace; nothing for one without an address."""
    spec = service["spec"]
    address, ports = spec.get("clusterIP"), spec.get("ports") or ()
    if not address or address == "None" or not ports:
        return {}
    name = service["metadata"]["name"].upper().replace("-", "_")
    found = {f"{name}_SERVICE_HOST": address, f"{name}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            suffix = port["name"].upper().replace("-", "_")
            found[f"{name}_SERVICE_PORT_{suffix}"] = str(port["port"])
    return found | _links(name, address, ports)


def _links(name: str, address: str, ports: Any) -> dict[str, str]:
    """The old variables of linked containers, which upstream still sets."""
    found: dict[str, str] = {}
    for index, port in enumerate(ports):
        protocol, number = (port.get("protocol") or "TCP"), port["port"]
        url = f"{protocol.lower()}://{address}:{number}"
        if index == 0:
            found[f"{name}_PORT"] = url
        prefix = f"{name}_PORT_{number}_{protocol}"
        found |= {
            prefix: url,
            f"{prefix}_PROTO": protocol.lower(),
            f"{prefix}_PORT": str(number),
            f"{prefix}_ADDR": address,
        }
    return found


def _value(
    facts: PodFacts,
    container: Mapping[str, Any],
    variable: Mapping[str, Any],
    own: Mapping[str, str],
    services: Mapping[str, str],
) -> str | None:
    source = variable.get("valueFrom")
    if not source:
        return expand(variable.get("value") or "", own, services)
    if reference := source.get("fieldRef"):
        return fields.field(facts, reference["fieldPath"])
    if reference := source.get("resourceFieldRef"):
        return fields.resource(facts, container, reference)
    if reference := source.get("configMapKeyRef"):
        return _key(facts, names.CONFIG_MAP, reference)
    if reference := source.get("secretKeyRef"):
        return _key(facts, names.SECRET, reference)
    raise ConfigError(f"env {variable['name']}: this node does not know {', '.join(source)}")


def _key(facts: PodFacts, kind: str, reference: Mapping[str, Any]) -> str | None:
    name, optional = reference.get("name", ""), bool(reference.get("optional"))
    found = facts.find(kind, name)
    if found is None:
        if optional:
            return None
        raise ConfigError(f'{kind.lower()} "{name}" not found')
    data = texts(found)
    if reference["key"] not in data:
        if optional:
            return None
        raise ConfigError(
            f"couldn't find key {reference['key']} in {kind} {facts.namespace}/{name}"
        )
    return data[reference["key"]]


def _all_of(facts: PodFacts, source: Mapping[str, Any]) -> dict[str, str]:
    for field, kind in (("configMapRef", names.CONFIG_MAP), ("secretRef", names.SECRET)):
        reference = source.get(field)
        if reference is None:
            continue
        found = facts.find(kind, reference.get("name", ""))
        if found is not None:
            return texts(found)
        if not reference.get("optional"):
            raise ConfigError(f'{kind.lower()} "{reference.get("name", "")}" not found')
    return {}


def texts(source: Manifest) -> dict[str, str]:
    """The data of a ConfigMap or Secret as text; what is no text has its bad bytes replaced."""
    data = source.get("data") or {}
    if source["kind"] != names.SECRET:
        return dict(data)
    return {key: decoded(value).decode(errors="replace") for key, value in data.items()}


def decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except binascii.Error as error:
        raise ConfigError(f"a secret's value is no base64: {error}") from error
