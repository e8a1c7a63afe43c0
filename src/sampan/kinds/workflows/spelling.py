"""One spelling for what may be written in several ways.

    steps: [{…}]           a group of one step without its list
    schedule: "* * * * *"  schedules; mutex, semaphore likewise: their names before Argo 4

Old names are rewritten when an object is written, so that everything else knows only the new ones;
`podPriority`, which Argo 4 dropped, is taken out. Faults of shape are left for the schema to find.
Upstream: argo-workflows workflow/convert, pkg/apis ParallelSteps.UnmarshalJSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kube.keys import Manifest

_PLURALS = {"mutex": "mutexes", "semaphore": "semaphores"}


def workflow(manifest: Manifest) -> None:
    """For a Workflow, a WorkflowTemplate or a ClusterWorkflowTemplate. In place."""
    _spec(manifest.get("spec"))


def cron(manifest: Manifest) -> None:
    """For a CronWorkflow. In place."""
    spec = manifest.get("spec")
    if isinstance(spec, dict):
        if spec.get("schedule"):
            spec["schedules"] = [spec["schedule"]]  # the old name wins, as in `argo convert`
        spec.pop("schedule", None)
        _spec(spec.get("workflowSpec"))


def _spec(spec: Any) -> None:
    if not isinstance(spec, dict):
        return
    spec.pop("podPriority", None)
    _synchronization(spec)
    for template in _templates(spec):
        _template(template)


def _templates(spec: dict[str, Any]) -> Iterator[Any]:
    yield spec.get("templateDefaults")
    listed = spec.get("templates")
    yield from listed if isinstance(listed, list) else ()


def _template(template: Any) -> None:
    if not isinstance(template, dict):
        return
    _synchronization(template)
    if isinstance(template.get("steps"), list):
        template["steps"] = [[g] if isinstance(g, dict) else g for g in template["steps"]]
    for child in _children(template):
        if isinstance(child, dict) and child.get("inline"):
            _template(child["inline"])


def _children(template: dict[str, Any]) -> Iterator[Any]:
    steps = template.get("steps")
    for group in steps if isinstance(steps, list) else ():
        yield from group if isinstance(group, list) else ()
    dag = template.get("dag")
    tasks = dag.get("tasks") if isinstance(dag, dict) else None
    yield from tasks if isinstance(tasks, list) else ()


def _synchronization(body: dict[str, Any]) -> None:
    found = body.get("synchronization")
    if not isinstance(found, dict):
        return
    for old, new in _PLURALS.items():
        one, several = found.pop(old, None), found.get(new) or []
        if one is not None and isinstance(several, list) and one not in several:
            found[new] = [*several, one]
