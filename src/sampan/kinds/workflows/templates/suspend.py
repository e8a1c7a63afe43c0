"""Templates of kind `suspend`: the workflow waits here, for a time or for somebody.

The node runs until its `duration` is over, or until somebody resumes it (`operations`). Parameters
with `valueFrom.supplied` are outputs that somebody sets meanwhile; when the time is over those that
nobody set take their default. Upstream: argo-workflows workflow/controller/operator.go
executeSuspend, workflow/util/util.go OverrideOutputParametersWithDefault.
"""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows import durations, supplied
from sampan.kinds.workflows.language import scopes
from sampan.kinds.workflows.language.arguments import text
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Broken, Running, Walk


def execute(walk: Walk, running: Running) -> Node | None:
    node = walk.node(running.call.node)
    if node is None or node["phase"] == "Pending":  # it has waited for a lock
        if said := walk.barred(exit=running.call.exit):
            return walk.begin(running, "Suspend", "Failed", said)
        node = _begin(walk, running)
    known = ChainMap(dict(running.scope), dict(walk.globals))
    duration = scopes.fill((running.template["suspend"] or {}).get("duration"), known)
    if duration not in (None, ""):
        try:
            left = durations.seconds(text(duration)) - walk.age(node)
            if left <= 0:
                return walk.turn(supplied.with_defaults(node), "Succeeded")
        except (durations.Mistake, supplied.Absent) as fault:
            walk.error(node, str(fault))
            raise Broken(str(fault)) from fault
        walk.wait(left)
    return walk.turn(node, "Running")


def _begin(walk: Walk, running: Running) -> Node:
    node = walk.begin(running, "Suspend", "Running")
    inputs = (node.get("inputs") or {}).get("parameters") or []
    if inputs:
        listed = [_with_choice(each) for each in inputs]
        node = {**node, "inputs": {**node["inputs"], "parameters": listed}}
    outputs = (running.template.get("outputs") or {}).get("parameters") or ()
    asked = [
        _with_default(each, inputs)
        for each in outputs
        if (each.get("valueFrom") or {}).get("supplied") is not None
    ]
    if asked:
        node = {**node, "outputs": {"parameters": asked}}
    return walk.put(node)


def _with_default(parameter: Mapping[str, Any], inputs: list[Any]) -> Mapping[str, Any]:
    """An output without a default has that of the input of the same name."""
    source = parameter["valueFrom"]
    if source.get("default") is None:
        for each in inputs:
            if each["name"] == parameter["name"] and each.get("default") is not None:
                return {**parameter, "valueFrom": {**source, "default": each["default"]}}
    return parameter


def _with_choice(parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    """A value that is itself a parameter in JSON tells what may be chosen."""
    try:
        choice = json.loads(parameter.get("value") or "")
    except ValueError:
        return parameter
    enum = choice.get("enum") if isinstance(choice, dict) else None
    if not isinstance(enum, list) or not enum:
        return parameter
    listed = [text(each) for each in enum]
    found = {**parameter, "enum": listed}
    return found if found.get("default") is not None else {**found, "default": listed[0]}
