"""Ephemeral containers: what may be added to a pod that runs already, in order to look into it.

They are only ever added: never changed, removed or started again. Takes the schema's types for
granted. Who else is in the pod is `sampan.kube.podspec`'s business.
Upstream: kubernetes pkg/apis/core/validation ValidatePodEphemeralContainersUpdate,
validateEphemeralContainers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kube import containers
from sampan.kube.errors import Problem, duplicate, forbidden

FIELD = "ephemeralContainers"
_DISALLOWED = (
    "ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "restartPolicy",
    "resizePolicy",
)  # fmt: skip


def fill(spec: Mapping[str, Any]) -> None:
    """Defaults, in place."""
    for container in spec.get(FIELD) or ():
        containers.fill(container)


def problems(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the ephemeral containers of a pod's spec, and with how they changed."""
    listed = new.get(FIELD) or []
    found = list(_changed(listed, old.get(FIELD) or []))
    others = [*(new.get("containers") or ()), *(new.get("initContainers") or ())]
    targets = {each["name"] for each in others}
    taken, volumes = set(targets), {each["name"] for each in new.get("volumes") or ()}
    for index, container in enumerate(listed):
        at = f"spec.{FIELD}[{index}]"
        found += containers.problems(container, at, volumes)
        found += _own(container, at, targets)
        name = container.get("name") or ""
        if name in taken:
            found.append(duplicate(f"{at}.name", name))
        taken.add(name)
    return found


def _own(container: Mapping[str, Any], path: str, targets: set[str]) -> Iterator[Problem]:
    target = container.get("targetContainerName") or ""
    if target and target not in targets:
        fault = f'Not found: "{target}"'
        yield Problem(f"{path}.targetContainerName", "FieldValueNotFound", fault)
    for field in _DISALLOWED:
        if container.get(field):
            yield forbidden(f"{path}.{field}", "cannot be set for an Ephemeral Container")
    if any((container.get("resources") or {}).values()):
        yield forbidden(f"{path}.resources", "cannot be set for an Ephemeral Container")
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        for field in ("subPath", "subPathExpr"):
            if mount.get(field):
                at = f"{path}.volumeMounts[{index}].{field}"
                yield forbidden(at, "cannot be set for an Ephemeral Container")


def _changed(new: list[dict[str, Any]], old: list[dict[str, Any]]) -> Iterator[Problem]:
    by_name = {each.get("name"): each for each in new}
    for before in old:
        after = by_name.get(before["name"])
        name = before["name"]
        if after is None:
            text = f'existing ephemeral containers "{name}" may not be removed'
            yield forbidden(f"spec.{FIELD}", text)
        elif after != before:
            text = f'existing ephemeral containers "{name}" may not be changed'
            yield forbidden(f"spec.{FIELD}", text)
