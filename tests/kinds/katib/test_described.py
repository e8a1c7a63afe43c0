"""Each field that an Experiment has is described, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from msgspec import Struct

from sampan.kinds.katib import described, types


def paths(of: type[Struct], above: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(of):
        path = f"{above}{field.encode_name}"
        yield path
        for inner in structs(field.type):
            yield from paths(inner, f"{path}.")


def structs(of: Any) -> Iterator[type[Struct]]:
    if isinstance(of, type) and issubclass(of, Struct):
        yield of
    for each in get_args(of):
        yield from structs(each)


def test_all_fields_are_described() -> None:
    assert set(described.EXPERIMENT) == set(paths(types.Spec))


def test_nothing_is_refused_by_the_schema() -> None:
    def walk(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield schema
        for each in schema.get("properties", {}).values():
            yield from walk(each)

    (root, *others) = walk(described.experiment())
    assert root["type"] == "object"
    for each in others:
        assert set(each) <= {"description", "properties", "x-kubernetes-preserve-unknown-fields"}
        assert each["x-kubernetes-preserve-unknown-fields"] is True
