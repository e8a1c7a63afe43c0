"""One container of a pod: its defaults and what can be wrong with it.

`fill` completes a container in place, `problems` names the faults. Both take the schema's types for
granted; both are on the path of each pod, so they look only at what is there. What concerns
several containers at once (duplicate names, volumes) is in `sampan.kube.podspec`.
Upstream: kubernetes pkg/apis/core/v1/defaults.go and pkg/apis/core/validation.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from fractions import Fraction
from typing import Any

from sampan.kube import formats, quantities
from sampan.kube.errors import Problem, duplicate, forbidden, invalid, required, unsupported

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
    "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
_RESOURCE_FIELDS = (
    "limits.cpu", "limits.ephemeral-storage", "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory",
)  # fmt: skip


def fill(container: dict[str, Any]) -> None:
    """Defaults of one container, in place."""
    put = container.setdefault
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = pull_policy(container.get("image") or "")
    put("terminationMessagePath", "/dev/termination-log")
    put("terminationMessagePolicy", "File")
    put("resources", {})
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        if "valueFrom" in variable:
            field = (variable["valueFrom"] or {}).get("fieldRef")
            if field is not None:
                field.setdefault("apiVersion", "v1")
    for name in PROBES:
        if container.get(name):
            _fill_probe(container[name])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict) and hook.get("httpGet"):
            _fill_http(hook["httpGet"])


def pull_policy(image: str) -> str:
    """Always for `:latest` and for no tag, IfNotPresent for a tag or a digest."""
    if "@" in image:
        return "IfNotPresent"
    _, _, tag = image.rpartition("/")[2].partition(":")
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _fill_probe(probe: dict[str, Any]) -> None:
    put = probe.setdefault
    put("timeoutSeconds", 1)
    put("periodSeconds", 10)
    put("successThreshold", 1)
    put("failureThreshold", 3)
    if probe.get("httpGet"):
        _fill_http(probe["httpGet"])
    if probe.get("grpc") is not None:
        probe["grpc"].setdefault("service", "")


def _fill_http(get: dict[str, Any]) -> None:
    get.setdefault("path", "/")
    get.setdefault("scheme", "HTTP")


def problems(container: dict[str, Any], path: str, volumes: Container[str]) -> list[Problem]:
    """What is wrong with a container that `fill` has completed.

    volumes: the names that a volumeMount or volumeDevice may use.
    """
    found: list[Problem] = []
    name = container.get("name") or ""
    if not name:
        found.append(required(f"{path}.name"))
    elif fault := formats.dns_label(name):
        found.append(invalid(f"{path}.name", name, fault))
    image = container.get("image") or ""
    if not image:
        found.append(required(f"{path}.image"))
    elif image != image.strip():
        fault = "must not have leading or trailing whitespace"
        found.append(invalid(f"{path}.image", image, fault))
    found += _choices(container, path)
    for field, check in _CHECKS:
        if container.get(field):
            found += check(container[field], f"{path}.{field}")
    for field in PROBES:
        if container.get(field):
            found += _probe(container[field], f"{path}.{field}", exact=field != "readinessProbe")
    if container.get("volumeMounts"):
        found += _mounts(container["volumeMounts"], f"{path}.volumeMounts", volumes)
    return found


def _choices(container: dict[str, Any], path: str) -> Iterator[Problem]:
    policy = container.get("imagePullPolicy", "Always")
    if policy not in _PULL_POLICIES:
        yield unsupported(f"{path}.imagePullPolicy", policy, _PULL_POLICIES)
    message = container.get("terminationMessagePolicy", "File")
    if message not in _MESSAGE_POLICIES:
        yield unsupported(f"{path}.terminationMessagePolicy", message, _MESSAGE_POLICIES)


def _ports(ports: list[dict[str, Any]], path: str) -> Iterator[Problem]:
    names: set[str] = set()
    for index, port in enumerate(ports):
        at = f"{path}[{index}]"
        if name := port.get("name"):
            if fault := formats.port_name(name):
                yield invalid(f"{at}.name", name, fault)
            elif name in names:
                yield duplicate(f"{at}.name", name)
            names.add(name)
        if not port.get("containerPort"):
            yield required(f"{at}.containerPort")
        for field in ("containerPort", "hostPort"):
            yield from port_number(port.get(field) or 1, f"{at}.{field}")
        if port.get("protocol", "TCP") not in _PROTOCOLS:
            yield unsupported(f"{at}.protocol", port["protocol"], _PROTOCOLS)


def port_number(port: int | str, path: str) -> Iterator[Problem]:
    """Faults of a port that is a number or, where the schema allows it, a name."""
    if isinstance(port, str):
        if fault := formats.port_name(port):
            yield invalid(path, port, fault)
    elif not 1 <= port <= 65535:
        yield invalid(path, port, "must be between 1 and 65535, inclusive")


def _env(env: list[dict[str, Any]], path: str) -> Iterator[Problem]:
    for index, variable in enumerate(env):
        name = variable.get("name") or ""
        if not name:
            yield required(f"{path}[{index}].name")
        elif fault := formats.variable(name):
            yield invalid(f"{path}[{index}].name", name, fault)
        if variable.get("valueFrom") is not None:
            yield from _value_from(variable, f"{path}[{index}].valueFrom")


def _value_from(variable: dict[str, Any], path: str) -> Iterator[Problem]:
    source = variable["valueFrom"]
    given = [name for name in _SOURCES if source.get(name) is not None]
    if not given:
        fault = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        yield invalid(path, "", f"must specify one of: {fault}")
        return
    if len(given) > 1:
        yield invalid(path, "", "may not have more than one field specified at a time")
    elif variable.get("value"):
        yield invalid(path, "", "may not be specified when `value` is not empty")
    at, body = f"{path}.{given[0]}", source[given[0]]
    match given[0]:
        case "fieldRef":
            yield from field_reference(body, at)
        case "resourceFieldRef":
            yield from resource_reference(body, at)
        case "fileKeyRef":
            yield forbidden(at, "files of a volume as variables are not supported")
        case _:
            if not body.get("key"):
                yield required(f"{at}.key")
            elif wrong := formats.config_key(body["key"]):
                yield invalid(f"{at}.key", body["key"], wrong)


def field_reference(body: dict[str, Any], path: str, *, volume: bool = False) -> Iterator[Problem]:
    """Faults of a downward API field; a volume cannot show a node's or pod's address."""
    field = body.get("fieldPath") or ""
    base, bracket, rest = field.partition("[")
    if not field:
        yield required(f"{path}.fieldPath")
    elif bracket and base in ("metadata.labels", "metadata.annotations"):
        key = rest.removesuffix("]").strip("'\"")
        if fault := formats.label_key(key):
            yield invalid(f"{path}.fieldPath", field, fault)
    elif volume and field in ("metadata.labels", "metadata.annotations"):
        return
    elif field not in (_FIELDS[:3] if volume else _FIELDS):
        yield unsupported(f"{path}.fieldPath", field, _FIELDS[:3] if volume else _FIELDS)


def resource_reference(body: dict[str, Any], path: str) -> Iterator[Problem]:
    resource = body.get("resource") or ""
    if not resource:
        yield required(f"{path}.resource")
    elif resource not in _RESOURCE_FIELDS and "hugepages-" not in resource:
        yield unsupported(f"{path}.resource", resource, _RESOURCE_FIELDS)
    if "divisor" in body:
        yield from quantity(body["divisor"], f"{path}.divisor")


def _env_from(sources: list[dict[str, Any]], path: str) -> Iterator[Problem]:
    for index, source in enumerate(sources):
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        if len(given) != 1:
            fault = "must specify one of: `configMapRef` or `secretRef`"
            yield invalid(f"{path}[{index}]", "", fault)
        elif not source[given[0]].get("name"):
            yield required(f"{path}[{index}].{given[0]}.name")
        if (prefix := source.get("prefix")) and (fault_ := formats.variable(prefix)):
            yield invalid(f"{path}[{index}].prefix", prefix, fault_)


def quantity(value: Any, path: str) -> Iterator[Problem]:
    """Faults of one quantity that may not be negative."""
    try:
        if quantities.parse(value) < 0:
            yield invalid(path, str(value), "must be greater than or equal to 0")
    except ValueError as wrong:
        yield invalid(path, str(value), str(wrong))


def resources(body: dict[str, Any], path: str) -> Iterator[Problem]:
    """Faults of a ResourceRequirements: quantities, and requests above their limits."""
    limits, requests = body.get("limits") or {}, body.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items():
            yield from quantity(amount, f"{path}.{kind}[{name}]")
            if fault := formats.label_key(name):
                yield invalid(f"{path}.{kind}[{name}]", name, fault)
    for name, amount in requests.items():
        limit = _amount(limits.get(name))
        if limit is not None and (_amount(amount) or 0) > limit:
            fault = f"must be less than or equal to {name} limit of {limits[name]}"
            yield invalid(f"{path}.requests", str(amount), fault)


def _amount(value: Any) -> Fraction | None:
    try:
        return None if value is None else quantities.parse(value)
    except ValueError:
        return None  # said already, field by field


def _mounts(mounts: list[dict[str, Any]], path: str, volumes: Container[str]) -> Iterator[Problem]:
    places: set[str] = set()
    for index, mount in enumerate(mounts):
        at, name, place = f"{path}[{index}]", mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            yield required(f"{at}.name")
        elif name not in volumes:
            yield Problem(f"{at}.name", "FieldValueNotFound", f'Not found: "{name}"')
        if not place:
            yield required(f"{at}.mountPath")
        elif fault := _place_fault(place, places):
            yield invalid(f"{at}.mountPath", place, fault)
        places.add(place)
        yield from _sub_paths(mount, at)


def _place_fault(place: str, taken: set[str]) -> str | None:
    if not place.startswith("/"):
        return "must be an absolute path"
    if ".." in place.split("/"):
        return "must not contain '..'"
    return "must be unique" if place in taken else None


def _sub_paths(mount: dict[str, Any], path: str) -> Iterator[Problem]:
    for field in ("subPath", "subPathExpr"):
        if (sub := mount.get(field)) and (fault := formats.relative_path(sub)):
            yield invalid(f"{path}.{field}", sub, fault)
    if mount.get("subPath") and mount.get("subPathExpr"):
        fault = "subPathExpr and subPath are mutually exclusive"
        yield invalid(f"{path}.subPathExpr", mount["subPathExpr"], fault)


def _probe(probe: dict[str, Any], path: str, *, exact: bool) -> Iterator[Problem]:
    yield from _handler(probe, path)
    for field in (
        "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold",
        "failureThreshold",
    ):  # fmt: skip
        if (number := probe.get(field, 0)) < 0:
            yield invalid(f"{path}.{field}", number, "must be greater than or equal to 0")
    if exact and (times := probe.get("successThreshold", 1)) != 1:
        yield invalid(f"{path}.successThreshold", times, "must be 1")


def _handler(body: dict[str, Any], path: str, extra: tuple[str, ...] = ()) -> Iterator[Problem]:
    """Exactly one way to ask: the body of a probe or of a lifecycle hook."""
    given = [name for name in (*_HANDLERS, *extra) if body.get(name) is not None]
    if not given:
        yield required(path, "must specify a handler type")
    for name in given[1:]:
        yield forbidden(f"{path}.{name}", "may not specify more than 1 handler type")
    for name in given:
        handler, at = body[name], f"{path}.{name}"
        if name == "exec":
            if not handler.get("command"):
                yield required(f"{at}.command")
        elif name != "sleep":
            if not handler.get("port"):
                yield required(f"{at}.port")
            else:
                yield from port_number(handler["port"], f"{at}.port")


def _lifecycle(lifecycle: dict[str, Any], path: str) -> Iterator[Problem]:
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            yield from _handler(lifecycle[hook], f"{path}.{hook}", ("sleep",))


_CHECKS = (
    ("ports", _ports),
    ("env", _env),
    ("envFrom", _env_from),
    ("resources", resources),
    ("lifecycle", _lifecycle),
)
