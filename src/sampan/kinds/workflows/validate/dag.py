"""Templates of type `dag`: names, conditions, no circles, and that a task asks only those that it
waits for.

Upstream: argo-workflows workflow/validate/validate.go validateDAG, workflow/common/ancestry.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.templates import depends
from sampan.kinds.workflows.validate import graphs
from sampan.kinds.workflows.validate.check import Check, Template
from sampan.kinds.workflows.validate.named import Wrong, arguments, is_tag, unique
from sampan.kinds.workflows.validate.scope import Scope, items
from sampan.kinds.workflows.validate.steps import holder, hooks, inline_inputs, leaves, not_leaf

_WORD = re.compile(r"([a-zA-Z0-9][-a-zA-Z0-9]*)(?:\.([A-Z][a-zA-Z]+))?")
_OF_ITEMS = ("AnySucceeded", "AllFailed")
_RESULTS = (
    "Succeeded", "Failed", "Skipped", "Omitted", "Errored", "Daemoned", *_OF_ITEMS,
)  # fmt: skip

Task = Mapping[str, Any]


def check(check: Check, template: Template, scope: Scope, home: str) -> None:
    """Raises Wrong."""
    name, tasks = template.get("name") or "", template["dag"].get("tasks") or ()
    not_leaf(template, name)
    if not tasks:
        raise Wrong(f"templates.{name} must have at least one task")
    unique(tasks, f"templates.{name}.tasks")
    words = {task["name"]: _words(task) for task in tasks}
    waits_for = {task: list(found) for task, found in words.items()}
    _ordered(name, waits_for)
    found = {task["name"]: task for task in tasks}
    called: dict[str, Template | None] = {}
    depends = any(each.get("depends") for each in tasks)
    for task in tasks:
        _conditions(name, task, depends=depends)
        at = f"templates.{name}.tasks.{task['name']}"
        called[task["name"]] = holder(check, task, home, at, given=False)
        scope.add("tasks", task["name"], called[task["name"]], looped=_looped(task))
        _results(task, found, words[task["name"]], at)
        _readable(task, found, at)
    _targets(template, name, found, scope)
    for task in tasks:
        _task(check, task, scope, home, waits_for, f"templates.{name}.tasks.{task['name']}")


def _words(task: Task) -> dict[str, set[str]]:
    """The tasks that a task waits for, and the results that it asks them for."""
    if not task.get("depends"):
        return {each: set() for each in task.get("dependencies") or ()}
    found: dict[str, set[str]] = {}
    for name, result in _WORD.findall(task["depends"]):
        found.setdefault(name, set()).update({result} - {""})
    return found


def _ordered(name: str, waits_for: Mapping[str, list[str]]) -> None:
    for before in waits_for.values():
        for each in before:
            if each not in waits_for:
                raise Wrong(f"templates.{name} sorting failed: invalid dependency {each}")
    if graphs.circle(waits_for):
        raise Wrong(f"templates.{name} sorting failed: graph with cycle")


def _conditions(name: str, task: Task, *, depends: bool) -> None:
    """How tasks say what they wait for; `depends` when one of them says it by that field."""
    if (depends or task.get("dependencies")) and task["name"][0].isdigit():
        why = "name cannot begin with a digit when using either 'depends' or 'dependencies'"
        raise Wrong(f"templates.{name}.tasks.{task['name']} {why}")
    if depends and task.get("dependencies"):
        why = "cannot use both 'depends' and 'dependencies' in the same DAG template"
        raise Wrong(f"templates.{name} {why}")
    if depends and task.get("continueOn"):
        why = "cannot use 'continueOn' when using 'depends'. Instead use"
        raise Wrong(f"templates.{name} {why} 'dep-task.Failed'/'dep-task.Errored'")


def _results(task: Task, tasks: Mapping[str, Task], words: Mapping[str, set[str]], at: str) -> None:
    for name, results in words.items():
        for result in sorted(results):
            if result not in _RESULTS:
                raise Wrong(f"{at} task result '{result}' for task '{name}' is invalid")
        if results & set(_OF_ITEMS) and not (
            _looped(tasks[name]) or tasks[name].get("withSequence")
        ):
            why = "uses an items-based condition such as .AnySucceeded or .AllFailed but does not"
            raise Wrong(f"{at} dependency '{name}' {why} contain any items")


def _readable(task: Task, tasks: Mapping[str, Task], at: str) -> None:
    """Upstream finds this only when it runs the task."""
    text = task.get("depends") or ""
    try:
        if text and "{{" not in text:
            depends.parse(text, tasks)
    except depends.Mistake as mistake:
        raise Wrong(f"{at} depends '{text}' is malformed: {mistake}") from mistake


def _looped(task: Task) -> bool:
    return bool(task.get("withItems") or task.get("withParam"))


def _targets(template: Template, name: str, tasks: Mapping[str, Task], scope: Scope) -> None:
    target = template["dag"].get("target") or ""
    try:
        scope.check(target)
    except Wrong as wrong:
        raise wrong.within(f"templates.{name}.targets") from wrong
    for each in target.split(" ") if target else ():
        if not is_tag(each) and each not in tasks:
            raise Wrong(f"templates.{name}.targets: target '{each}' is not defined")


def _task(
    check: Check,
    task: Task,
    scope: Scope,
    home: str,
    waits_for: Mapping[str, list[str]],
    at: str,
) -> None:
    name = task["name"]
    if task.get("hooks") or leaves(task):
        scope.tell("tasks", name, "status")
    try:
        hooks(task.get("hooks"), "hooks")
        scope.check(task, {*items(task), *inline_inputs(task), *_told(task, waits_for)})
    except Wrong as wrong:
        raise wrong.within(at) from wrong
    arguments(task.get("arguments"), f"{at}.arguments.", empty=False)
    _asks(task, waits_for, at)
    holder(check, task, home, at, given=True)


def _told(task: Task, waits_for: Mapping[str, list[str]]) -> set[str]:
    """The status of tasks that this one waits for, as far as it asks for any."""
    asked = set(re.findall(r"tasks\.([-a-zA-Z0-9]+)\.status", str(task)))
    return {f"tasks.{x}.status" for x in asked if graphs.before(waits_for, task["name"], x)}


def _asks(task: Task, waits_for: Mapping[str, list[str]], at: str) -> None:
    """What is taken whole from a task comes from one that it waits for."""
    given = task.get("arguments") or {}
    for kind, field in (("parameter", "value"), ("artifact", "from")):
        for each in given.get(f"{kind}s") or ():
            value = each.get(field)
            if not isinstance(value, str) or not value.startswith("{{tasks."):
                continue
            other = value.split(".")[1]
            if not graphs.before(waits_for, task["name"], other):
                why = f"missing dependency '{other}' for {kind} '{each['name']}'"
                raise Wrong(f"{at} {why}")
