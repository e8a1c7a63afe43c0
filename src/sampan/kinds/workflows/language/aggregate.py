"""What a loop gives on as a whole: lists of what its members gave, in their order.

    X.outputs.result          a list; each member's result must be JSON itself
    X.outputs.parameters      a list of objects, name to text
    X.outputs.parameters.p    a list; of texts, or of values when each text is a JSON list or object

Only members that succeeded count. Artifacts are not collected.
Upstream: argo-workflows workflow/controller/operator.go processAggregateNodeOutputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sampan.kinds.workflows.language.faults import Missing
from sampan.lib import expr

Node = Mapping[str, Any]


def of_members(base: str, members: Sequence[Node]) -> Iterator[tuple[str, str]]:
    """Names and texts. base: `steps.X` or `tasks.X`. Raises Missing."""
    if not members:
        return
    told = [node["outputs"] for node in members if _counts(node)]
    results = [_parsed(each["result"]) for each in told if each.get("result") is not None]
    yield f"{base}.outputs.result", _json(results)
    lists = [each["parameters"] for each in told if each.get("parameters")]
    yield f"{base}.outputs.parameters", _json([_by_name(listed) for listed in lists])
    values: dict[str, list[str]] = {}
    for listed in lists:
        for name, value in _by_name(listed).items():
            values.setdefault(name, []).append(value)
    for name, texts in values.items():
        yield f"{base}.outputs.parameters.{name}", _json(_boxes(texts) or texts)


def _counts(node: Node) -> bool:
    flags = node.get("nodeFlag") or {}
    own = not flags.get("hooked") and not flags.get("retried")
    return own and node["phase"] == "Succeeded" and bool(node.get("outputs"))


def _by_name(parameters: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {each["name"]: str(each.get("value") or "") for each in parameters}


def _parsed(result: str) -> Any:
    try:
        return json.loads(result)
    except (ValueError, RecursionError) as fault:
        raise Missing(_why(result)) from fault


def _why(result: str) -> str:
    """Go's words, where they are simple."""
    text = result.strip(" \t\r\n")
    if not text:
        return "unexpected end of JSON input"
    if text[0] not in '{["-0123456789tfn':
        return f"invalid character '{text[0]}' looking for beginning of value"
    return f"a result of a loop is no JSON: {text[:100]}"


def _boxes(texts: Sequence[str]) -> list[Any]:
    """The texts as lists and objects, if each of them is one; else nothing."""
    found = []
    for text in texts:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return []
        if not isinstance(value, dict | list):
            return []
        found.append(value)
    return found


def _json(value: Any) -> str:
    try:
        return expr.marshal(value)
    except expr.Mistake as mistake:
        raise Missing(str(mistake)) from mistake
