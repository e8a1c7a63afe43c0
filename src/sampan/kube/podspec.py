"""A PodSpec: its defaults and what can be wrong with it, in pods and in what makes pods.

`fill` completes a spec in place, `problems` names the faults with the paths and the wording of a
real server. Both take the schema's types for granted. `fill_pod` adds the defaults that only a
real pod gets and a template does not. Containers are looked at in `sampan.kube.containers`;
what only a Pod object may do (updates, bindings) belongs to `sampan.kinds.core`.
Upstream: kubernetes pkg/apis/core/v1/defaults.go and pkg/apis/core/validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kube import containers, formats
from sampan.kube.errors import Problem, duplicate, forbidden, invalid, required, unsupported

DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
RESTART_POLICIES = ("Always", "OnFailure", "Never")
_MAX = 2**31 - 1
_FILE_MODE = 0o644
_INIT_ONLY = (*containers.PROBES, "lifecycle")


def fill(spec: dict[str, Any]) -> None:
    """Defaults of a PodSpec, in place: for a pod and for a pod template alike."""
    put = spec.setdefault
    put("restartPolicy", "Always")
    put("dnsPolicy", "ClusterFirst")
    put("schedulerName", "default-scheduler")
    put("terminationGracePeriodSeconds", 30)
    if not spec.get("securityContext"):
        spec["securityContext"] = {}
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:  # the second is the first one's old name, and both are always written
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for container in spec.get("containers") or ():
        containers.fill(container)
    for container in spec.get("initContainers") or ():
        containers.fill(container)
    for volume in spec.get("volumes") or ():
        _fill_volume(volume)


def fill_pod(spec: dict[str, Any]) -> None:
    """`fill`, and what only real pods get: requests from limits, host ports, service links."""
    fill(spec)
    spec.setdefault("enableServiceLinks", True)
    if whole := (spec.get("resources") or {}).get("limits"):
        asked = spec["resources"].get("requests") or {}
        spec["resources"]["requests"] = {**whole, **asked}
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or ():
            if limits := container["resources"].get("limits"):
                asked = container["resources"].get("requests") or {}
                container["resources"]["requests"] = {**limits, **asked}
            if spec.get("hostNetwork"):
                for port in container.get("ports") or ():
                    if "containerPort" in port:
                        port.setdefault("hostPort", port["containerPort"])


def _fill_volume(volume: dict[str, Any]) -> None:
    if not any(value is not None for key, value in volume.items() if key != "name"):
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "downwardAPI", "projected"):
        if volume.get(source) is not None:
            volume[source].setdefault("defaultMode", _FILE_MODE)
    if template := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
        template.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
    if volume.get("hostPath"):
        volume["hostPath"].setdefault("type", "")
    if volume.get("downwardAPI"):
        _fill_fields(volume["downwardAPI"])
    for part in (volume.get("projected") or {}).get("sources") or ():
        if part.get("serviceAccountToken"):
            part["serviceAccountToken"].setdefault("expirationSeconds", 3600)
        if part.get("downwardAPI"):
            _fill_fields(part["downwardAPI"])


def _fill_fields(downward: dict[str, Any]) -> None:
    for item in downward.get("items") or ():
        if item.get("fieldRef"):
            item["fieldRef"].setdefault("apiVersion", "v1")


def problems(spec: dict[str, Any], path: str = "spec") -> list[Problem]:
    """What is wrong with a PodSpec, completed by `fill` or not yet; [] for a good one."""
    found: list[Problem] = []
    volumes: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or ()):
        found += _volume(volume, f"{path}.volumes[{index}]", volumes)
    if not spec.get("containers"):
        found.append(required(f"{path}.containers"))
    names: set[str] = set()
    for index, container in enumerate(spec.get("containers") or ()):
        at = f"{path}.containers[{index}]"
        found += containers.problems(container, at, volumes)
        _note(container.get("name"), f"{at}.name", names, found)
        if container.get("restartPolicy"):
            fault = "may not be set for non-init containers"
            found.append(forbidden(f"{at}.restartPolicy", fault))
    for index, container in enumerate(spec.get("initContainers") or ()):
        at = f"{path}.initContainers[{index}]"
        found += containers.problems(container, at, volumes)
        _note(container.get("name"), f"{at}.name", names, found)
        found += _init(container, at)
    found += _choices(spec, path)
    found += _sysctls(spec, f"{path}.securityContext.sysctls")
    found += _addresses(spec, path)
    return found


def _note(name: str | None, path: str, names: set[str], found: list[Problem]) -> None:
    if name and name in names:
        found.append(duplicate(path, name))
    elif name:
        names.add(name)


def _init(container: dict[str, Any], path: str) -> Iterator[Problem]:
    policy = container.get("restartPolicy")
    if policy not in (None, "Always"):
        yield unsupported(f"{path}.restartPolicy", policy, ("Always",))
    if policy is None:  # with Always it is a sidecar, and may have all of these
        for field in _INIT_ONLY:
            if container.get(field):
                yield forbidden(f"{path}.{field}", "must not be set for init containers")


def _sysctls(spec: dict[str, Any], path: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, setting in enumerate((spec.get("securityContext") or {}).get("sysctls") or ()):
        name = setting.get("name") or ""
        if not name:
            yield required(f"{path}[{index}].name")
        elif fault := formats.sysctl(name):
            yield invalid(f"{path}[{index}].name", name, fault)
        elif name in seen:
            yield duplicate(f"{path}[{index}].name", name)
        seen.add(name)


def _choices(spec: dict[str, Any], path: str) -> Iterator[Problem]:
    policy = spec.get("restartPolicy", "Always")
    if policy not in RESTART_POLICIES:
        yield unsupported(f"{path}.restartPolicy", policy, RESTART_POLICIES)
    dns = spec.get("dnsPolicy", "ClusterFirst")
    if dns not in DNS_POLICIES:
        yield unsupported(f"{path}.dnsPolicy", dns, DNS_POLICIES)
    if (grace := spec.get("terminationGracePeriodSeconds", 30)) < 0:
        yield invalid(
            f"{path}.terminationGracePeriodSeconds", grace, "must be greater than or equal to 0"
        )
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MAX:
        fault = f"must be between 1 and {_MAX}, inclusive"
        yield invalid(f"{path}.activeDeadlineSeconds", deadline, fault)


def _addresses(spec: dict[str, Any], path: str) -> Iterator[Problem]:
    """Names that lead elsewhere: accounts, nodes, hosts."""
    account = spec.get("serviceAccountName")
    if account and (fault := formats.dns_subdomain(account)):
        yield invalid(f"{path}.serviceAccountName", account, fault)
    for field in ("hostname", "subdomain"):
        if (name := spec.get(field)) and (fault := formats.dns_label(name)):
            yield invalid(f"{path}.{field}", name, fault)
    for key, value in (spec.get("nodeSelector") or {}).items():
        if fault := formats.label_key(key):
            yield invalid(f"{path}.nodeSelector", key, fault)
        if fault := formats.label_value(value):
            yield invalid(f"{path}.nodeSelector[{key}]", value, fault)
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        if not alias.get("ip"):
            yield required(f"{path}.hostAliases[{index}].ip")


def _volume(volume: dict[str, Any], path: str, names: set[str]) -> Iterator[Problem]:
    name = volume.get("name") or ""
    if not name:
        yield required(f"{path}.name")
    elif fault := formats.dns_label(name):
        yield invalid(f"{path}.name", name, fault)
    elif name in names:
        yield duplicate(f"{path}.name", name)
    names.add(name)
    sources = [key for key, value in volume.items() if key != "name" and value is not None]
    for source in sources[1:]:
        yield forbidden(f"{path}.{source}", "may not specify more than 1 volume type")
    if sources and (check := _VOLUMES.get(sources[0])):
        yield from check(volume[sources[0]], f"{path}.{sources[0]}")


def _claim(source: dict[str, Any], path: str) -> Iterator[Problem]:
    if not source.get("claimName"):
        yield required(f"{path}.claimName")


def _ephemeral(source: dict[str, Any], path: str) -> Iterator[Problem]:
    template, at = source.get("volumeClaimTemplate"), f"{path}.volumeClaimTemplate"
    if template is None:
        yield required(at)
        return
    spec = template.get("spec") or {}
    if not spec.get("accessModes"):
        yield required(f"{at}.spec.accessModes", "at least 1 access mode is required")
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if size is None:
        yield required(f"{at}.spec.resources[storage]")
    else:
        yield from containers.quantity(size, f"{at}.spec.resources[storage]")


def _host_path(source: dict[str, Any], path: str) -> Iterator[Problem]:
    place = source.get("path") or ""
    if not place:
        yield required(f"{path}.path")
    elif ".." in place.split("/"):
        yield invalid(f"{path}.path", place, "must not contain '..'")


def _empty_dir(source: dict[str, Any], path: str) -> Iterator[Problem]:
    if (limit := source.get("sizeLimit")) is not None:
        yield from containers.quantity(limit, f"{path}.sizeLimit")


def _config_map(source: dict[str, Any], path: str) -> Iterator[Problem]:
    if not source.get("name"):
        yield required(f"{path}.name")
    yield from _files(source, path)


def _secret(source: dict[str, Any], path: str) -> Iterator[Problem]:
    if not source.get("secretName"):
        yield required(f"{path}.secretName")
    yield from _files(source, path)


def _files(source: dict[str, Any], path: str) -> Iterator[Problem]:
    """Faults of `defaultMode` and of `items`, which put keys at places of their own."""
    yield from _mode(source.get("defaultMode"), f"{path}.defaultMode")
    for index, item in enumerate(source.get("items") or ()):
        at = f"{path}.items[{index}]"
        if not item.get("key"):
            yield required(f"{at}.key")
        yield from _place(item, at)


def _place(item: dict[str, Any], path: str) -> Iterator[Problem]:
    place = item.get("path") or ""
    if not place:
        yield required(f"{path}.path")
    elif fault := formats.relative_path(place):
        yield invalid(f"{path}.path", place, fault)
    elif place.startswith(".."):
        yield invalid(f"{path}.path", place, "must not start with '..'")
    yield from _mode(item.get("mode"), f"{path}.mode")


def _mode(mode: int | None, path: str) -> Iterator[Problem]:
    if mode is not None and not 0 <= mode <= 0o777:
        yield invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")


def _downward(source: dict[str, Any], path: str) -> Iterator[Problem]:
    yield from _mode(source.get("defaultMode"), f"{path}.defaultMode")
    for index, item in enumerate(source.get("items") or ()):
        at = f"{path}.items[{index}]"
        yield from _place(item, at)
        if item.get("fieldRef"):
            yield from containers.field_reference(item["fieldRef"], f"{at}.fieldRef", volume=True)
        elif item.get("resourceFieldRef"):
            yield from containers.resource_reference(
                item["resourceFieldRef"], f"{at}.resourceFieldRef"
            )
        else:
            yield required(f"{at}.fieldRef")


def _projected(source: dict[str, Any], path: str) -> Iterator[Problem]:
    yield from _mode(source.get("defaultMode"), f"{path}.defaultMode")
    for index, part in enumerate(source.get("sources") or ()):
        given = [key for key, value in part.items() if value is not None]
        at = f"{path}.sources[{index}]"
        for key in given[1:]:
            yield forbidden(f"{at}.{key}", "may not specify more than 1 volume type")
        if given and (check := _PARTS.get(given[0])):
            yield from check(part[given[0]], f"{at}.{given[0]}")


def _token(source: dict[str, Any], path: str) -> Iterator[Problem]:
    if (lifetime := source.get("expirationSeconds", 3600)) < 600:
        fault = "may not specify a duration less than 10 minutes"
        yield invalid(f"{path}.expirationSeconds", lifetime, fault)
    yield from _place(source, path)


_VOLUMES = {
    "persistentVolumeClaim": _claim,
    "ephemeral": _ephemeral,
    "hostPath": _host_path,
    "emptyDir": _empty_dir,
    "configMap": _config_map,
    "secret": _secret,
    "downwardAPI": _downward,
    "projected": _projected,
}
_PARTS = {
    "serviceAccountToken": _token,
    "configMap": _config_map,
    "secret": _config_map,
    "downwardAPI": _downward,
}
