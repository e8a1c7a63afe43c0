"""Passing values on: what the arguments of a step or task are, given what its siblings told.

`arguments` fills tags, finds the artifacts that `from` and `fromExpression` name, and marks the
parameters that are nothing but an output that never came: the called template's own default holds
for these. Upstream: argo-workflows workflow/controller/scope.go, steps.go resolveReferences.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sampan.kinds.workflows.language import expressions, tags
from sampan.kinds.workflows.language.arguments import ABSENT, Arguments, Scope
from sampan.kinds.workflows.language.faults import Missing
from sampan.kube import locations

STRICT = ("steps", "tasks")
"""What siblings tell must be known by the time it is asked for."""


class Unresolved(Missing):
    """Nobody told of such a thing."""


def arguments(given: Arguments | None, scope: Scope, strict: Collection[str] = STRICT) -> Arguments:
    """The arguments with their values. strict: see `tags.fill`. Raises Missing."""
    found = dict(given or {})
    if found.get("parameters"):
        marked = [_marked(each, scope) for each in found["parameters"]]
        found["parameters"] = tags.fill(marked, scope, strict)
    if found.get("artifacts"):
        found["artifacts"] = list(_artifacts(found["artifacts"], scope, strict))
    return found


def _marked(parameter: Mapping[str, Any], scope: Scope) -> Mapping[str, Any]:
    value = parameter.get("value")
    if isinstance(value, str) and value.startswith("{{") and value.endswith("}}"):
        name = value[2:-2].strip()
        if "{{" not in name and name in scope and scope[name] is None:
            return {**parameter, "value": ABSENT}
    return parameter


def _artifacts(
    given: list[Any], scope: Scope, strict: Collection[str]
) -> Iterator[Mapping[str, Any]]:
    for each in given:
        filled = {**tags.fill(each, scope, strict), "name": each["name"]}
        if not filled.get("from") and not filled.get("fromExpression"):
            yield filled
            continue
        try:
            yield {**artifact(filled, scope), "name": each["name"]}
        except Missing as missing:
            if not each.get("optional"):
                raise Missing(f"unable to resolve references: {missing}") from missing


def artifact(wanted: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The artifact that `from` or `fromExpression` names, its `subPath` in mind. Raises Missing."""
    if expression := wanted.get("fromExpression"):
        value = expressions.evaluate(expression, scope)
    else:
        value = resolved(wanted["from"], scope)
    if not isinstance(value, Mapping):
        raise Missing(f"Variable {{{{{wanted['name']}}}}} is not an artifact")
    found = {key: each for key, each in value.items() if key != "globalName"}
    if below := tags.fill(wanted.get("subPath"), scope):
        found |= _below(found, below)
    return found


def _below(found: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    try:
        key = posixpath.normpath(posixpath.join(locations.key_of(found), path.lstrip("/")))
        return locations.with_key(found, key)
    except locations.NoKey as fault:
        if found.get("optional"):
            return found
        raise Missing(str(fault)) from fault


def resolved(reference: str, scope: Scope) -> Any:
    """What a reference stands for, in braces or without. Raises Unresolved."""
    name = reference.removeprefix("{{").removesuffix("}}").strip()
    if name.startswith("="):
        return expressions.evaluate(name[1:], scope)
    if name not in scope:
        raise Unresolved(f'Unable to resolve: "{name}"')
    return scope[name]
