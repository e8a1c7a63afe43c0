"""Objects on the terminal: tables as the server makes them, YAML, JSON, names, jsonpath."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse

    from sampan.engine.discovery import Resource

FORMATS = "wide, yaml, json, name or jsonpath=…"


def option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", default="", metavar="FORMAT", help=FORMATS)


def is_table(output: str) -> bool:
    return output in ("", "wide")


def render(output: str, resource: Resource, objects: Sequence[dict[str, Any]], single: bool) -> str:
    """Text for a format other than a table."""
    if output == "name":
        return "".join(f"{resource.word}/{each['metadata']['name']}\n" for each in objects)
    whole: Any = objects[0] if single else _list(objects)
    if output == "json":
        return json.dumps(whole, indent=4) + "\n"
    if output == "yaml":
        from sampan.lib import yaml

        return str(yaml.dump(whole))
    if output.startswith("jsonpath="):
        return str(_jsonpath(output.removeprefix("jsonpath=")).render(whole))
    raise UserMistake(f'there is no output format "{output}"; there are {FORMATS}')


def _list(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": list(objects)}


def _jsonpath(text: str):  # type: ignore[no-untyped-def]
    from sampan.lib import jsonpath

    try:
        return jsonpath.compile(text)
    except jsonpath.JsonPathError as error:
        raise UserMistake(str(error)) from error


class TablePrinter:
    """Prints Tables, aligned over all rows given at once; the head only once per column set."""

    def __init__(self, wide: bool, namespaces: bool, write: Callable[[str], object]) -> None:
        self._wide = wide
        self._namespaces = namespaces
        self._write = write
        self._columns: list[dict[str, Any]] = []
        self._widths: list[int] = []
        self._head_shown = False

    def show(self, table: dict[str, Any]) -> None:
        if table.get("columnDefinitions"):
            self._columns = table["columnDefinitions"]
        rows = [self._cells(row) for row in table.get("rows") or ()]
        if not rows:
            return
        head = [column["name"].upper() for column in self._shown()]
        if self._namespaces:
            head.insert(0, "NAMESPACE")
        lines = rows if self._head_shown else [head, *rows]
        self._head_shown = True
        found = [max(len(line[n]) for line in lines) for n in range(len(head))]
        # A watch prints rows one by one: they stay under the columns of the first rows.
        self._widths = [max(pair) for pair in zip(found, self._widths or found, strict=True)]
        for line in lines:
            padded = (f"{cell:{width}}" for cell, width in zip(line, self._widths, strict=True))
            self._write("   ".join(padded).rstrip() + "\n")

    def _shown(self) -> list[dict[str, Any]]:
        return [each for each in self._columns if self._wide or not each.get("priority")]

    def _cells(self, row: dict[str, Any]) -> list[str]:
        cells = [
            "<none>" if cell is None or cell == "" else str(cell)
            for cell, column in zip(row["cells"], self._columns, strict=False)
            if self._wide or not column.get("priority")
        ]
        if self._namespaces:
            cells.insert(0, (row.get("object") or {}).get("metadata", {}).get("namespace", ""))
        return cells
