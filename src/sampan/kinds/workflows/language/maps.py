"""The ConfigMaps that values may come from: which a look at a workflow has to read.

Names of ConfigMaps may hold tags, so all that are labelled for it are read, but only if the
workflow speaks of any. Upstream: argo-workflows workflow/controller/controller.go
(typedConfigMapInformer).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kinds.workflows.language.arguments import ConfigMaps
from sampan.kube import meta, names
from sampan.kube.plan import View

_LABELLED = {
    "matchExpressions": [{"key": names.LABEL_CONFIGMAP_TYPE, "operator": "Exists"}],
}


def see(cluster: View, namespace: str, spec: Mapping[str, Any]) -> ConfigMaps:
    """The labelled ConfigMaps of the namespace, by name; none if nothing asks for one."""
    if not any(_asks(each) for each in _askers(spec)):
        return {}
    found = cluster.select(names.CONFIG_MAP, namespace, _LABELLED)
    return {meta.name_of(each): each for each in found}


def _askers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Everything that holds parameters, and templates with a cache."""
    yield spec.get("arguments") or {}
    for template in spec.get("templates") or ():
        yield template
        yield template.get("inputs") or {}
        for group in template.get("steps") or ():
            for step in group if isinstance(group, list) else (group,):
                yield step.get("arguments") or {}
        for task in (template.get("dag") or {}).get("tasks") or ():
            yield task.get("arguments") or {}


def _asks(holder: Mapping[str, Any]) -> bool:
    return bool(holder.get("memoize")) or any(
        "configMapKeyRef" in (each.get("valueFrom") or {})
        for each in holder.get("parameters") or ()
    )
