"""Which WorkflowTemplates a workflow needs: all that its templates refer to, and theirs in turn.

    home      local/<workflow> or "", namespaced/<name>, cluster/<name>: where a template is from
    library   the specs of WorkflowTemplates by home

They are read for the first look, which stores what can be reached in the status; later only where
a reference has tags in it, so that what it means shows while the workflow runs.
Upstream: argo-workflows workflow/templateresolution/context.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import View

Library = Mapping[str, Mapping[str, Any]]
Template = Mapping[str, Any]

_KINDS = {"namespaced": names.WORKFLOW_TEMPLATE, "cluster": names.CLUSTER_WORKFLOW_TEMPLATE}


def home_of(reference: Mapping[str, Any]) -> str:
    """The home that a templateRef or a workflowTemplateRef names."""
    scope = "cluster" if reference.get("clusterScope") else "namespaced"
    return f"{scope}/{reference.get('name') or ''}"


def home_for(who: Mapping[str, Any], home: str) -> str:
    """The home of the template that a caller at `home` names or holds."""
    reference = who.get("templateRef")
    return home_of(reference) if reference and not who.get("inline") else home


def absent(home: str) -> str:
    """What is said of a WorkflowTemplate that is not there."""
    scope, _, name = home.partition("/")
    kind = _KINDS[scope].partition(".")[0].lower()
    return f'{kind}s.{names.ARGO_GROUP} "{name}" not found'


def fetch(cluster: View, namespace: str, home: str) -> Manifest | None:
    scope, _, name = home.partition("/")
    return cluster.get(Key(_KINDS[scope], namespace if scope == "namespaced" else "", name))


def callers(template: Template) -> Iterator[Mapping[str, Any]]:
    """All that names a template within one: steps, tasks, their hooks, and those of templates
    written in place."""
    for child in children(template):
        yield child
        yield from (child.get("hooks") or {}).values()
        if child.get("inline"):
            yield from callers(child["inline"])


def children(template: Template) -> Iterator[Mapping[str, Any]]:
    """The steps or the tasks of a template."""
    for group in template.get("steps") or ():
        yield from group if isinstance(group, list) else (group,)
    yield from (template.get("dag") or {}).get("tasks") or ()


def placed(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The same with their places: `steps[0][1]`, `dag.tasks[2]`."""
    for place, group in enumerate(template.get("steps") or ()):
        for index, step in enumerate(group if isinstance(group, list) else (group,)):
            yield f"steps[{place}][{index}]", step
    for index, task in enumerate((template.get("dag") or {}).get("tasks") or ()):
        yield f"dag.tasks[{index}]", task


def moving(own: Iterable[Template], stored: Iterable[Template]) -> bool:
    """Whether a reference has tags: what it means shows only while the workflow runs. Of templates
    from elsewhere, plain names lead out of the workflow too."""
    return any(_leads_out(template, own=True) for template in own) or any(
        _leads_out(template, own=False) for template in stored
    )


def _leads_out(template: Template, *, own: bool) -> bool:
    """Asked at every look of every step: quick for those that only have a name."""
    for child in children(template):
        if child.get("templateRef") or child.get("hooks") or child.get("inline"):
            if any(_has_tags(each, own=own) for each in callers({"steps": [child]})):
                return True
        elif not own and "{{" in (child.get("template") or ""):
            return True
    return False


def _has_tags(caller: Mapping[str, Any], *, own: bool) -> bool:
    parts = [
        *(caller.get("templateRef") or {}).values(),
        *(() if own else (caller.get("template"),)),
    ]
    return any("{{" in str(part or "") for part in parts)


def library(cluster: View, namespace: str, spec: Mapping[str, Any], *, every: bool) -> Library:
    """The WorkflowTemplates that the spec leads to; all there are, if every."""
    found: dict[str, Mapping[str, Any]] = {}
    if every:
        for scope, kind in _KINDS.items():
            for each in cluster.select(kind, namespace if scope == "namespaced" else ""):
                found[f"{scope}/{meta.name_of(each)}"] = each["spec"]
        return found
    seen, queue = set[str](), [spec]
    while queue:
        for home in homes(queue.pop()):
            if home in seen:
                continue
            seen.add(home)
            if (manifest := fetch(cluster, namespace, home)) is not None:
                found[home] = manifest["spec"]
                queue.append(manifest["spec"])
    return found


def homes(spec: Mapping[str, Any]) -> Iterator[str]:
    """The homes that a spec names, but for those with tags."""
    if spec.get("workflowTemplateRef"):
        yield home_of(spec["workflowTemplateRef"])
    hooks = (spec.get("hooks") or {}).values()
    named = (c for template in spec.get("templates") or () for c in callers(template))
    for caller in (*hooks, *named):
        reference = caller.get("templateRef")
        if reference and "{{" not in str(reference.get("name")):
            yield home_of(reference)
