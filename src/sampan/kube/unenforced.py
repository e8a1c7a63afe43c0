"""Fields of a PodSpec that real clusters act on and our node does not: each gets a warning.

They are accepted, because the same YAML has to run on a real cluster; who writes one here is told,
in a Warning header that every client shows. What would change a pod's result is refused elsewhere.
The table is all there is to know; when the node learns a field, its row goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_POD: Mapping[str, str] = {
    "hostPID": "a pod never sees the processes of others",
    "hostIPC": "a pod never shares memory with others",
    "shareProcessNamespace": "each container sees its own processes only",
    "runtimeClassName": "there is one way to run a pod here",
    "topologySpreadConstraints": "there is one node",
    "hostUsers": "users are mapped by the sandbox alone",
}
_POD_SECURITY: Mapping[str, str] = {
    "fsGroup": "volumes keep their owners",
    "supplementalGroups": "a process has one group",
    "sysctls": "the kernel's settings are this machine's",
    "seLinuxOptions": "no security labels are set",
    "windowsOptions": "this is no Windows machine",
}
_SECURITY: Mapping[str, str] = {
    "privileged": "a container gets no privileges",
    "seccompProfile": "system calls are not filtered",
    "appArmorProfile": "no security profile is set",
    "seLinuxOptions": "no security labels are set",
    "procMount": "/proc is always masked",
}
_KINDS = ("initContainers", "containers")


def warnings(spec: Mapping[str, Any], path: str = "spec") -> list[str]:
    """`path.field: has no effect here: why`, for each such field that is set."""
    return [f"{where}: has no effect here: {why}" for where, why in _found(spec, path)]


def _found(spec: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    yield from _listed(spec, _POD, path)
    security = spec.get("securityContext") or {}
    yield from _listed(security, _POD_SECURITY, f"{path}.securityContext")
    for term in ("podAffinity", "podAntiAffinity"):
        if (spec.get("affinity") or {}).get(term):
            yield f"{path}.affinity.{term}", "there is one node"
    for kind in _KINDS:
        for index, container in enumerate(spec.get(kind) or ()):
            yield from _of_container(container, f"{path}.{kind}[{index}]")


def _of_container(container: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    security = container.get("securityContext") or {}
    yield from _listed(security, _SECURITY, f"{path}.securityContext")
    if (security.get("capabilities") or {}).get("add"):
        yield f"{path}.securityContext.capabilities.add", "a container gets no capabilities"
    for index, port in enumerate(container.get("ports") or ()):
        if port.get("hostPort"):
            yield (
                f"{path}.ports[{index}].hostPort",
                "a Service of type NodePort is how a port of this machine leads to pods",
            )
    if container.get("volumeDevices"):
        yield f"{path}.volumeDevices", "volumes are directories, not devices"


def _listed(
    given: Mapping[str, Any], table: Mapping[str, str], path: str
) -> Iterator[tuple[str, str]]:
    for name, why in table.items():
        if given.get(name):
            yield f"{path}.{name}", why
