"""Compile Kubernetes' own definitions into nodes, one kind at a time and once.

The definitions come from `core.json.z`, written by `scripts/derive_facts.py`, which explains the
codes. Reading them takes two milliseconds.
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from sampan.apiserver.schemas.nodes import List, Map, Node, Struct
from sampan.apiserver.schemas.scalars import SCALARS

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

Definition = dict[str, Any]


class Compiler:
    """Nodes by the name of their definition. Compiled when first asked for."""

    def __init__(self, definitions: dict[str, Definition]) -> None:
        self._definitions = definitions
        self._done: dict[str, Node] = {}
        self._lists: dict[str, Node] = {}

    def node(self, name: str) -> Node:
        if name in self._done:
            return self._done[name]
        definition = self._definitions[name]
        if "c" in definition:
            made: Node = SCALARS[definition["c"]]
            self._done[name] = made
            return made
        struct = Struct(".".join(name.rsplit(".", 2)[1:]))
        self._done[name] = struct
        struct.atomic = definition.get("m") == "atomic"
        struct.required = tuple(definition.get("r", ()))
        for field, body in definition["f"].items():
            struct.fields[field] = self._field(body)
        struct.seal()
        return struct

    def _field(self, body: Any) -> Node:
        if isinstance(body, str):
            return self._code(body)
        code, attributes = body
        node = self._code(code).variant()
        node.strategy = attributes.get("p", "")
        node.always = "z" in attributes
        if "m" in attributes:
            node.atomic = attributes["m"] == "atomic"
        if "D" in attributes:
            node.default = attributes["D"]  # for keys of lists; core kinds fill defaults elsewhere
        if isinstance(node, List):
            node.list_type = attributes.get("l", "atomic")
            node.atomic = node.list_type == "atomic"
            node.keys = tuple(sorted(attributes.get("k", ())))
            node.merge_key = attributes.get("g", "")
        return node

    def _code(self, code: str) -> Node:
        if code in SCALARS:
            return SCALARS[code]
        if code.startswith("@"):
            return self.node(code[1:])
        if code not in self._lists:
            inner = self._code(code[1:])
            made = List(inner, "[]" + inner.go)
            self._lists[code] = made if code.startswith("[") else Map(inner, _map(inner))
        return self._lists[code]


def _map(values: Node) -> str:
    return f"map[string]{values.go}"


@cache
def data() -> dict[str, Any]:
    """`definitions` by name, and `resources`, as the file has them."""
    found: dict[str, Any] = orjson.loads(
        zlib.decompress((files(__package__) / "core.json.z").read_bytes())
    )
    return found


@cache
def compiler() -> Compiler:
    """The one compiler of this process."""
    return Compiler(data()["definitions"])
