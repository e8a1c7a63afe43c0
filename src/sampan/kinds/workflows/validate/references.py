"""The tags that a template may use, and the ones in it that nothing stands for.

Upstream: argo-workflows workflow/validate/validate.go resolveAllVariables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.language.expressions import LATE
from sampan.kinds.workflows.templates.tasks import Tasks
from sampan.kinds.workflows.validate.supported import LOOPS
from sampan.kube.errors import Problem, invalid

_TOLD = ("id", "status", "startedAt", "finishedAt", "hostNodeName", "exitCode")
"""What a step or a task tells those after it."""


def of_inputs(template: Mapping[str, Any]) -> set[str]:
    listed = (template.get("inputs") or {}).get("parameters") or ()
    return {"inputs.parameters"} | {f"inputs.parameters.{each.get('name')}" for each in listed}


def problems(template: Mapping[str, Any], known: Collection[str], path: str) -> Iterator[Problem]:
    """`known`: the tags of the workflow. The template's own are added here."""
    everywhere = {*known, *of_inputs(template)}
    if template.get("steps"):
        yield from _steps(template["steps"], everywhere, f"{path}.steps")
    elif template.get("dag"):
        yield from _dag(template["dag"], everywhere, f"{path}.dag")
    else:
        own = everywhere | {"pod.name", "node.name"}
        for field, value in template.items():
            if field != "inputs":
                yield from unresolved(value, own, f"{path}.{field}")


def _steps(groups: Iterable[list[Any]], known: set[str], path: str) -> Iterator[Problem]:
    seen = {*known, "steps.name"}
    for place, group in enumerate(groups):
        for index, step in enumerate(group):
            at = f"{path}[{place}][{index}].arguments"
            yield from unresolved(step.get("arguments"), {*seen, *_items(step)}, at)
        for step in group:
            seen |= {f"steps.{step.get('name')}.{told}" for told in _TOLD}


def _dag(dag: Mapping[str, Any], known: set[str], path: str) -> Iterator[Problem]:
    tasks = Tasks(dag)
    for index, task in enumerate(dag["tasks"]):
        before = tasks.before(task["name"]) if tags_in(task) else ()
        told = {f"tasks.{each}.{field}" for each in before for field in _TOLD}
        own = {*known, "tasks.name", *told, *_items(task)}
        yield from unresolved(task.get("arguments"), own, f"{path}.tasks[{index}].arguments")


def _items(child: Mapping[str, Any]) -> set[str]:
    """The tags of a loop that occur in a child."""
    if not any(child.get(field) for field in LOOPS):
        return set()
    return {tag for tag in tags.found_in(child.get("arguments")) if tag.split(".")[0] == "item"}


def tags_in(value: Any) -> bool:
    return next(tags.found_in(value), None) is not None


def unresolved(value: Any, known: Collection[str], path: str) -> Iterator[Problem]:
    for tag in dict.fromkeys(tags.found_in(value)):
        if tag.startswith(("=", "outputs.", "steps.name", "tasks.name")) or ".outputs." in tag:
            continue  # not judged before it is run
        if tag not in known and tag not in LATE:
            yield invalid(path, f"{{{{{tag}}}}}", f"failed to resolve {{{{{tag}}}}}")
