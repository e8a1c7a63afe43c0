"""The ConfigMaps that values may come from: which a look at a workflow has to read.

Names of ConfigMaps may hold tags, so all that are labelled for it are read, but only if the
workflow speaks of any. Upstream: argo-workflows workflow/controller/controller.go
(typedConfigMapInformer).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sampan.kinds.workflows.language.arguments import ConfigMaps
from sampan.kube import meta, names
from sampan.kube.keys import Key
from sampan.kube.plan import View

_LABELLED = {
    "matchExpressions": [{"key": names.LABEL_CONFIGMAP_TYPE, "operator": "Exists"}],
}


def see(cluster: View, namespace: str, specs: Sequence[Mapping[str, Any]]) -> ConfigMaps:
    """The labelled ConfigMaps of the namespace, by name; none if nothing asks for one. specs: the
    workflow's, and those of the templates that it may use."""
    if not any(_asks(each) for spec in specs for each in _askers(spec)):
        return {}
    labelled = cluster.select(names.CONFIG_MAP, namespace, _LABELLED)
    found = {meta.name_of(each): each for each in labelled}
    for name in _caches(specs):  # one without the label must be refused, not overwritten
        if name not in found and (other := cluster.get(Key(names.CONFIG_MAP, namespace, name))):
            found[name] = other
    return found


def _caches(specs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for template in (each for spec in specs for each in spec.get("templates") or ()):
        cache = (template.get("memoize") or {}).get("cache") or {}
        if name := (cache.get("configMap") or {}).get("name"):
            yield name


def _askers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Everything that holds parameters, and templates with a cache."""
    yield spec.get("arguments") or {}
    for template in spec.get("templates") or ():
        yield from _of_template(template)


def _of_template(template: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield template
    yield template.get("inputs") or {}
    for group in template.get("steps") or ():
        for step in group if isinstance(group, list) else (group,):
            yield from _of_child(step)
    for task in (template.get("dag") or {}).get("tasks") or ():
        yield from _of_child(task)


def _of_child(child: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield child.get("arguments") or {}
    for hook in (child.get("hooks") or {}).values():
        yield hook.get("arguments") or {}
    if child.get("inline"):
        yield from _of_template(child["inline"])


def _asks(holder: Mapping[str, Any]) -> bool:
    return bool(holder.get("memoize")) or any(
        "configMapKeyRef" in (each.get("valueFrom") or {})
        for each in holder.get("parameters") or ()
    )
