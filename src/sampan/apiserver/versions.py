"""What is wrong with one version of a CustomResourceDefinition, its schema apart. Pure.

Columns, the paths of the scale subresource, selectable fields, the deprecation warning.
Upstream: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sampan.kube.errors import Problem, duplicate, invalid, required, unsupported
from sampan.lib import jsonpath

_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("binary", "byte", "date", "date-time", "double", "float", "int32", "int64",
                   "password")  # fmt: skip
_MOST_FIELDS = 8
_SELECTED = ("boolean", "integer", "string")
_SIMPLE = re.compile(r"(?:\.[A-Za-z_][A-Za-z0-9_-]*)+")
_SCALE = (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status."))


def version_problems(version: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column(column, f"{path}.additionalPrinterColumns[{index}]")
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None:
        yield from _scale(scale, f"{path}.subresources.scale")
    yield from _selectable(version, f"{path}.selectableFields")
    if version.get("deprecationWarning") and not version.get("deprecated"):
        text = "can only be set for deprecated versions"
        yield invalid(f"{path}.deprecationWarning", version["deprecationWarning"], text)


def _column(column: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if not column.get("name"):
        yield required(f"{path}.name")
    kind, shape, where = column.get("type"), column.get("format"), column.get("jsonPath")
    if not kind:
        text = f"must be one of {','.join(_COLUMN_TYPES)}"
        yield required(f"{path}.type", text)
    elif kind not in _COLUMN_TYPES:
        yield invalid(f"{path}.type", kind, f"must be one of {','.join(_COLUMN_TYPES)}")
    if shape and shape not in _COLUMN_FORMATS:
        yield invalid(f"{path}.format", shape, f"must be one of {','.join(_COLUMN_FORMATS)}")
    if not where:
        yield required(f"{path}.jsonPath")
        return
    try:
        jsonpath.compile(f"{{{where}}}")
    except jsonpath.JsonPathError as error:
        yield invalid(f"{path}.jsonPath", where, f"is an invalid JSONPath: {error}")


def _scale(scale: Mapping[str, Any], path: str) -> Iterator[Problem]:
    for field, begin in _SCALE:
        value = scale.get(field) or ""
        if not value:
            yield required(f"{path}.{field}")
        elif not _SIMPLE.fullmatch(value) or not value.startswith(begin):
            text = f"should be a json path under {begin[:-1]}"
            yield invalid(f"{path}.{field}", value, text)
    selector = scale.get("labelSelectorPath")
    if selector and not (
        _SIMPLE.fullmatch(selector) and selector.startswith((".spec.", ".status."))
    ):
        text = "should be a json path under either .spec or .status"
        yield invalid(f"{path}.labelSelectorPath", selector, text)


def _selectable(version: Mapping[str, Any], path: str) -> Iterator[Problem]:
    fields = version.get("selectableFields") or ()
    if len(fields) > _MOST_FIELDS:
        text = f"Too many: {len(fields)}: must have at most {_MOST_FIELDS} items"
        yield Problem(path, "FieldValueTooMany", text)
    seen: set[str] = set()
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    for index, field in enumerate(fields):
        at, where = f"{path}[{index}].jsonPath", field.get("jsonPath") or ""
        if not where:
            yield required(at)
        elif not _SIMPLE.fullmatch(where):
            yield invalid(at, where, "is an invalid path: only simple paths of names are supported")
        elif where in seen:
            yield duplicate(at, where)
        else:
            yield from _selected(schema, where, at)
        seen.add(where)


def _selected(schema: Mapping[str, Any], where: str, at: str) -> Iterator[Problem]:
    """The field must be declared, as a text, a boolean or an integer, and not in metadata."""
    steps = where[1:].split(".")
    if steps[0] == "metadata":
        yield invalid(at, where, "must not point to fields in metadata")
        return
    for step in steps:
        schema = (schema.get("properties") or {}).get(step) or {}
    if not schema:
        yield invalid(at, where, "is an invalid path: does not refer to a valid field")
    elif schema.get("type") not in _SELECTED:
        yield unsupported(at, schema.get("type") or "", _SELECTED)
