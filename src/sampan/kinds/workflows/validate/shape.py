"""The shape of what the schema leaves open: templates written in place, and items of loops.

Upstream's CRDs keep whatever stands under `inline` and `withItems`; its controller then cannot read
it. Here it is refused when it is written, by the schema of the templates themselves. Only types and
required fields are looked at; what values may be is the validator's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from sampan.kinds.workflows import crds
from sampan.kube.errors import Problem, invalid, required

Schema = Mapping[str, Any]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,), "integer": (int,),
    "number": (int, float),
}  # fmt: skip
_CALLED = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
_DEEPEST = 20
"""Templates in place within templates in place."""


def problems(spec: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """What cannot be read of a spec whose own shape is right."""
    for index, template in enumerate(spec.get("templates") or ()):
        yield from _children(template, f"{path}.templates[{index}]", 0)
    yield from _children(spec.get("templateDefaults") or {}, f"{path}.templateDefaults", 0)


def _children(template: Mapping[str, Any], path: str, depth: int) -> Iterator[Problem]:
    for place, child in _placed(template):
        at = f"{path}.{place}"
        items, inline = child.get("withItems"), child.get("inline")
        if items is not None and not isinstance(items, list):
            yield _mistyped(items, f"{at}.withItems", "array")
        if inline is None:
            continue
        found = list(faults(_template(), inline, f"{at}.inline"))
        if depth >= _DEEPEST:
            found = [invalid(f"{at}.inline", "object", "is nested too deeply")]
        yield from found or _children(inline, f"{at}.inline", depth + 1)


def _placed(template: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for place, group in enumerate(template.get("steps") or ()):
        for index, step in enumerate(group):
            yield f"steps[{place}][{index}]", step
    for index, task in enumerate((template.get("dag") or {}).get("tasks") or ()):
        yield f"dag.tasks[{index}]", task


@lru_cache(maxsize=1)
def _template() -> Schema:
    (crd,) = (each for each in crds.load() if each["spec"]["names"]["kind"] == "Workflow")
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found: Schema = schema["properties"]["spec"]["properties"]["templates"]["items"]
    return found


def faults(schema: Schema, value: Any, path: str) -> Iterator[Problem]:
    """Wrong types and missing fields, in the API server's words."""
    if value is None and schema.get("nullable"):
        return
    kind = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        if isinstance(value, bool) or not isinstance(value, int | str):
            yield _mistyped(value, path, "integer,string")
        return
    if kind and (not isinstance(value, _TYPES[kind]) or (kind != "boolean" and value is True)):
        yield _mistyped(value, path, kind)
    elif isinstance(value, dict):
        yield from _object(schema, value, path)
    elif isinstance(value, list) and schema.get("items"):
        for index, each in enumerate(value):
            yield from faults(schema["items"], each, f"{path}[{index}]")


def _object(schema: Schema, value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for name in schema.get("required") or ():
        if name not in value:
            yield required(f"{path}.{name}")
    properties, other = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, each in value.items():
        inner = properties.get(name) or other
        if isinstance(inner, dict):
            yield from faults(inner, each, f"{path}.{name}")


def _mistyped(value: Any, path: str, wanted: str) -> Problem:
    got = "null" if value is None else _CALLED.get(type(value), "number")
    return invalid(path, got, f'{path} in body must be of type {wanted}: "{got}"')
