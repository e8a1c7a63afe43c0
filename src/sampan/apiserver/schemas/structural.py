"""What is wrong with the schemas of a CustomResourceDefinition: they must be structural.

Every value has a type that does not depend on logic, defaults fit their schema, and the extensions
are used where they mean something. Pure function of the CRD. A large part that occurs again (a
container occurs some twenty times in a Workflow) is looked at once.
Upstream: apiextensions-apiserver pkg/apiserver/schema, pkg/apis/apiextensions/validation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from sampan.apiserver.schemas.validation import Validator
from sampan.kube.errors import Problem, forbidden, invalid, required, unsupported
from sampan.lib.regex.patterns import PatternError, compiled

TYPES = ("array", "boolean", "integer", "number", "object", "string")
_FORBIDDEN_IN_LOGIC = (
    "type", "default", "additionalProperties", "nullable", "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string", "description", "title",
)  # fmt: skip
_LARGE = 2
"""Properties from which on it is quicker to see that a part was right before."""
_NEVER = ("definitions", "dependencies", "$ref", "id", "patternProperties", "deprecated")


def crd_problems(crd: Mapping[str, Any]) -> list[Problem]:
    """Problems with the schemas of all versions, by field."""
    spec = crd.get("spec") or {}
    found: list[Problem] = []
    for index, version in enumerate(spec.get("versions") or ()):
        path = f"spec.versions[{index}].schema.openAPIV3Schema"
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if not schema:
            found.append(required(path, "schemas are required"))
            continue
        if schema.get("type") != "object":
            text = 'must be "object" at the root'
            found.append(_typed(schema, path, text))
        found.extend(_schema(schema, path, set(), root=True))
    return found


def _typed(schema: Mapping[str, Any], path: str, text: str) -> Problem:
    kind = schema.get("type") or ""
    return invalid(f"{path}.type", kind, text) if kind else required(f"{path}.type", text)


def _part(schema: Mapping[str, Any], path: str, right: set[bytes]) -> Iterable[Problem]:
    """`_schema` for a part; `right` has the text of the large ones in which nothing is wrong."""
    if len(schema.get("properties") or ()) < _LARGE:
        return _schema(schema, path, right)
    text = orjson.dumps(schema)
    if text in right:
        return ()
    found = list(_schema(schema, path, right))
    if not found:
        right.add(text)
    return found


def _schema(
    schema: Mapping[str, Any], path: str, right: set[bytes], *, root: bool = False
) -> Iterator[Problem]:
    yield from _shape(schema, path, root=root)
    yield from _extensions(schema, path)
    yield from _values(schema, path)
    for name, inner in (schema.get("properties") or {}).items():
        yield from _part(inner, f"{path}.properties[{name}]", right)
    other = schema.get("additionalProperties")
    if isinstance(other, dict):
        yield from _part(other, f"{path}.additionalProperties", right)
        if schema.get("properties"):
            text = "additionalProperties and properties are mutual exclusive"
            yield forbidden(f"{path}.additionalProperties", text)
    items = schema.get("items")
    if isinstance(items, dict):
        yield from _part(items, f"{path}.items", right)
    elif isinstance(items, list):
        yield forbidden(f"{path}.items", "items must be a schema object and not an array")
    for name in ("allOf", "anyOf", "oneOf"):
        for index, inner in enumerate(schema.get(name) or ()):
            yield from _logic(inner, f"{path}.{name}[{index}]", schema)
    if schema.get("not"):
        yield from _logic(schema["not"], f"{path}.not", schema)


def _shape(schema: Mapping[str, Any], path: str, *, root: bool) -> Iterator[Problem]:
    kind = schema.get("type")
    if kind and kind not in TYPES:
        yield unsupported(f"{path}.type", kind, TYPES)
    free = schema.get("x-kubernetes-int-or-string") or (
        schema.get("x-kubernetes-preserve-unknown-fields")
    )
    if not kind and not free and not root:
        yield required(f"{path}.type", "must not be empty for specified object fields")
    if kind and schema.get("x-kubernetes-int-or-string"):
        yield invalid(f"{path}.type", kind, "must be empty if x-kubernetes-int-or-string is true")
    if kind == "array" and not schema.get("items"):
        yield required(f"{path}.items", "must be specified")
    for name in _NEVER:
        if schema.get(name):
            yield forbidden(f"{path}.{name}", f"{name} is not supported")
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(f"{path}.uniqueItems", text)
    if schema.get("additionalProperties") is False:
        yield forbidden(
            f"{path}.additionalProperties", "additionalProperties cannot be set to false"
        )


def _extensions(schema: Mapping[str, Any], path: str) -> Iterator[Problem]:
    kind, name = schema.get("type"), "x-kubernetes-list-type"
    list_type, keys = schema.get(name), schema.get("x-kubernetes-list-map-keys") or ()
    if list_type is not None:
        if list_type not in ("atomic", "set", "map"):
            yield unsupported(f"{path}.{name}", list_type, ("atomic", "set", "map"))
        if kind != "array":
            yield invalid(f"{path}.type", kind or "", f"must be array if {name} is specified")
    if keys and list_type != "map":
        yield invalid(
            f"{path}.{name}",
            list_type or "",
            "must be map if x-kubernetes-list-map-keys is non-empty",
        )
    if list_type == "map":
        yield from _keys(schema, path, keys)
    map_type = schema.get("x-kubernetes-map-type")
    if map_type is not None and map_type not in ("atomic", "granular"):
        yield unsupported(f"{path}.x-kubernetes-map-type", map_type, ("atomic", "granular"))
    if schema.get("x-kubernetes-embedded-resource") and kind != "object":
        text = "must be object if x-kubernetes-embedded-resource is true"
        yield invalid(f"{path}.type", kind or "", text)


def _keys(schema: Mapping[str, Any], path: str, keys: Any) -> Iterator[Problem]:
    if not keys:
        text = "must not be empty if x-kubernetes-list-type is map"
        yield required(f"{path}.x-kubernetes-list-map-keys", text)
    items = schema.get("items") or {}
    properties = items.get("properties") or {} if isinstance(items, dict) else {}
    for key in keys:
        if key not in properties:
            text = "entries must all be names of item properties"
            yield invalid(f"{path}.x-kubernetes-list-map-keys", key, text)
        elif key not in (items.get("required") or ()) and "default" not in properties[key]:
            text = "a key of a list map must have a default or be a required property"
            yield required(f"{path}.items.properties[{key}].default", text)


def _values(schema: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if isinstance(pattern := schema.get("pattern"), str):
        try:
            compiled(pattern)
        except PatternError as wrong:
            yield invalid(
                f"{path}.pattern",
                pattern,
                f"must be a valid regular expression, but isn't: {wrong}",
            )
    default = schema.get("default")
    if default is not None:
        found: list[Problem] = []
        Validator(schema).problems(default, None, found)
        for problem in found:
            field = f"{path}.default" + ("" if problem.field == "<nil>" else f".{problem.field}")
            yield Problem(field, problem.reason, problem.message)


def _logic(schema: Mapping[str, Any], path: str, outer: Mapping[str, Any]) -> Iterator[Problem]:
    """Inside allOf, anyOf, oneOf and not, only values may be talked about."""
    for name in _FORBIDDEN_IN_LOGIC:
        if schema.get(name) and not (name == "type" and outer.get("x-kubernetes-int-or-string")):
            yield forbidden(f"{path}.{name}", "must be empty to be structural")
    for name, inner in (schema.get("properties") or {}).items():
        if name not in (outer.get("properties") or {}):
            place = f"{path}.properties[{name}]"
            yield required(place.split(".anyOf")[0], f"because it is defined in {place}")
            continue
        yield from _logic(inner, f"{path}.properties[{name}]", outer["properties"][name])
    if isinstance(schema.get("items"), dict) and isinstance(outer.get("items"), dict):
        yield from _logic(schema["items"], f"{path}.items", outer["items"])
