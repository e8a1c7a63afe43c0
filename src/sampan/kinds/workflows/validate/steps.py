"""Templates of type `steps`: names, calls, and that a step asks only those before it.

Upstream: argo-workflows workflow/validate/validate.go validateSteps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.validate.check import Check, Template
from sampan.kinds.workflows.validate.named import Wrong, arguments, field_fault
from sampan.kinds.workflows.validate.scope import Scope, items

Step = Mapping[str, Any]


def check(check: Check, template: Template, scope: Scope, home: str) -> None:
    """Raises Wrong."""
    name = template.get("name") or ""
    not_leaf(template, name)
    seen: set[str] = set()
    for place, group in enumerate(template["steps"]):
        for step in group:
            at = f"templates.{name}.steps[{place}]"
            _named(step, at, seen)
            _step(check, step, scope, home, name, f"{at}.{step['name']}")


def not_leaf(template: Template, name: str) -> None:
    """Raises Wrong."""
    if template.get("activeDeadlineSeconds") is not None:
        raise Wrong(f"templates.{name}.activeDeadlineSeconds is only valid for leaf templates")


def _named(step: Step, at: str, seen: set[str]) -> None:
    name = step.get("name") or ""
    if not name:
        raise Wrong(f"{at}.name is required")
    if name in seen:
        raise Wrong(f"{at}.name '{name}' is not unique")
    if fault := field_fault(name):
        raise Wrong(f"{at}.name '{name}' is invalid: {fault}")
    seen.add(name)


def _step(check: Check, step: Step, scope: Scope, home: str, template: str, at: str) -> None:
    name = step["name"]
    scope.tell("steps", name, "status")
    try:
        scope.tags |= items(step)
    except Wrong as wrong:
        raise wrong.within(at) from wrong
    arguments(step.get("arguments"), f"{at}.arguments.", empty=False)
    called = holder(check, step, home, at, given=False)
    if leaves(step):
        scope.add("steps", name, called, looped=False)
    hooks(step.get("hooks"), at)
    try:
        scope.check(step, inline_inputs(step))
    except Wrong as wrong:
        raise wrong.within(f"templates.{template}.steps") from wrong
    looped = bool(step.get("withItems") or step.get("withParam"))
    scope.add("steps", name, called, looped=looped)
    holder(check, step, home, at, given=True)


def holder(check: Check, child: Step, home: str, at: str, *, given: bool) -> Template | None:
    """The template of a step or a task; with what it gives, or as if it gave all. Raises Wrong."""
    try:
        return check.holder(child, home, (child.get("arguments") or {}) if given else None)
    except Wrong as wrong:
        raise wrong.within(at) from wrong


def leaves(child: Step) -> bool:
    """Whether a step or a task has an exit handler, which may ask about the step itself."""
    return bool(child.get("onExit") or (child.get("hooks") or {}).get("exit"))


def inline_inputs(child: Step) -> set[str]:
    given = ((child.get("inline") or {}).get("inputs") or {}).get("parameters") or ()
    return {f"inputs.parameters.{each.get('name')}" for each in given}


def hooks(found: Mapping[str, Any] | None, at: str) -> None:
    """A hook says when it runs, if it is not the exit handler. Raises Wrong."""
    for name, hook in (found or {}).items():
        if name != "exit" and not hook.get("expression"):
            raise Wrong(f"{at}.{name} Expression required")
