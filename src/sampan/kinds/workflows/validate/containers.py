"""Templates of type `containerSet`: names, mounts, and an order without circles.

Upstream: argo-workflows pkg/apis/workflow/v1alpha1 ContainerSetTemplate.Validate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.validate.graphs import circle
from sampan.kinds.workflows.validate.named import Wrong, unique


def container_set(template: Mapping[str, Any], name: str) -> None:
    """Raises Wrong."""
    body, at = template["containerSet"], f"templates.{name}.containerSet."
    containers = body.get("containers") or ()
    if not containers:
        raise Wrong(f"{at}containers must have at least one container")
    unique(containers, f"{at}containers")
    mounted: dict[str, str] = {}
    for index, mount in enumerate(body.get("volumeMounts") or ()):
        path = mount.get("mountPath")
        if path in mounted:
            place = f"{at}volumeMounts[{index}].mountPath"
            raise Wrong(f"{place} '{path}' already mounted in {mounted[path]}")
        mounted[path] = f"volumeMounts.{mount.get('name')}"
    waits = {each["name"]: list(each.get("dependencies") or ()) for each in containers}
    for each, before in waits.items():
        for one in before:
            if one not in waits:
                raise Wrong(f"{at}containers.{each} dependency '{one}' not defined")
    if round_trip := circle(waits):
        raise Wrong(f"{at}containers dependency cycle detected: {'->'.join(round_trip)}")
    given = template.get("inputs") or {}, template.get("outputs") or {}
    asks = given[0].get("artifacts") or given[1].get("parameters") or given[1].get("artifacts")
    if asks and "main" not in waits:
        why = 'containers must have a container named "main" for input or output'
        raise Wrong(f"{at}{why}")
