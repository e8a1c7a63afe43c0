"""Columns of custom resources, from the additionalPrinterColumns of their CRD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sampan.apiserver.columns.printer import AGE, NAME, Column, Printer, age, name_of, since
from sampan.kube.keys import Manifest
from sampan.lib import jsonpath


def crd_columns(additional: Iterable[Mapping[str, Any]]) -> Printer:
    """Name and the columns that the CRD names; Name and Age if it names none."""
    given = list(additional)
    if not given:
        return Printer((NAME, AGE), lambda manifest, now: [name_of(manifest), age(manifest, now)])
    columns = tuple(
        Column(
            str(column.get("name", "")),
            str(column.get("type") or "string"),
            str(column.get("format") or ""),
            str(column.get("description") or ""),
            int(column.get("priority") or 0),
        )
        for column in given
    )
    paths = [_path(str(column.get("jsonPath") or "")) for column in given]

    def cells(manifest: Manifest, now: datetime) -> list[Any]:
        pairs = zip(columns, paths, strict=True)
        return [name_of(manifest), *(_cell(column, path, manifest, now) for column, path in pairs)]

    return Printer((NAME, *columns), cells)


@lru_cache(maxsize=1024)
def _path(text: str) -> jsonpath.Path | None:
    """None for what is no path; the CRD's admission has said so already."""
    try:
        return jsonpath.compile(text) if text else None
    except jsonpath.JsonPathError:
        return None


def _cell(column: Column, path: jsonpath.Path | None, manifest: Manifest, now: datetime) -> Any:
    """The first value found, or several as text; None when there is none."""
    found = path.find(manifest) if path is not None else []
    if not found or found[0] is None:
        return None
    if column.type == "date":
        return since(found[0], now)
    if len(found) > 1 or isinstance(found[0], dict | list):
        return ",".join(map(jsonpath.text_of, found))
    return _typed(column.type, found[0])


def _typed(kind: str, value: Any) -> Any:
    if kind == "integer":
        return int(value) if isinstance(value, int | float) else None
    if kind == "number":
        return value if isinstance(value, int | float) else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    return jsonpath.text_of(value)
