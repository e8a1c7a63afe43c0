"""Protobuf of OpenAPI v2: bytes as the protobuf specification has them, and nothing lost."""

from __future__ import annotations

import struct
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.apiserver.protobuf import _pieces as pieces
from sampan.apiserver.resources import Resources
from sampan.apiserver.swagger.contents import document
from sampan.apiserver.swagger.wire import encode


def fields(data: bytes) -> dict[int, Any]:
    return dict(pieces(data))


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        pytest.param({"$ref": "#/a"}, b"\x0a\x03#/a", id="text"),
        pytest.param({"type": "string"}, b"\xb2\x01\x08\x0a\x06string", id="type"),
        pytest.param({"maxLength": 300}, b"\x58\xac\x02", id="number"),
        pytest.param({"minLength": -1}, b"\x60" + b"\xff" * 9 + b"\x01", id="negative"),
        pytest.param({"uniqueItems": True}, b"\x80\x01\x01", id="bool"),
        pytest.param({"maximum": 1}, b"\x39" + struct.pack("<d", 1), id="double"),
        pytest.param({"required": ["a", "b"]}, b"\x9a\x01\x01a\x9a\x01\x01b", id="list"),
        pytest.param({"default": {"a": 1}}, b'\x2a\x09\x12\x07{"a":1}', id="free"),
        pytest.param({"enum": ["a"]}, b'\xa2\x01\x05\x12\x03"a"', id="enum"),
        pytest.param({"items": {"type": "b"}}, b"\xba\x01\x08\x0a\x06\xb2\x01\x03\x0a\x01b",
                     id="items"),
        pytest.param({"additionalProperties": True}, b"\xaa\x01\x02\x10\x01", id="any-values"),
        pytest.param({"additionalProperties": False}, b"\xaa\x01\x02\x10\x00", id="no-values"),
        pytest.param({"properties": {"x-a": {}}}, b"\xca\x01\x09\x0a\x07\x0a\x03x-a\x12\x00",
                     id="properties"),
        pytest.param({"x-a": "b"}, b'\xfa\x01\x0c\x0a\x03x-a\x12\x05\x12\x03"b"', id="extension"),
    ],
)  # fmt: skip
def test_bytes_of_a_schema(schema: dict[str, Any], data: bytes) -> None:
    assert encode("Schema", schema) == data


def test_parameters_lie_in_messages_by_their_place() -> None:
    query = encode("ParametersItem", {"name": "a", "in": "query", "type": "string"})
    assert fields(fields(fields(fields(query)[1])[2])[3]) == {4: b"a", 2: b"query", 6: b"string"}
    body = encode("ParametersItem", {"name": "b", "in": "body", "required": True, "schema": {}})
    assert fields(fields(fields(body)[1])[1]) == {2: b"b", 3: b"body", 4: 1, 5: b""}


def test_unknown_keys_are_a_mistake_of_ours() -> None:
    with pytest.raises(LookupError, match="oneOf"):
        encode("Schema", {"oneOf": []})


@settings(max_examples=50)
@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner,
                                                                max_size=3),
))  # fmt: skip
def test_free_values_are_yaml(value: Any) -> None:
    text = fields(encode("Schema", {"default": value}))[5]
    assert yaml.safe_load(fields(text)[2].decode()) == value


def test_all_definitions_are_there() -> None:
    made = document(list(Resources()))
    whole = fields(encode("Document", made))
    found = {fields(entry)[1].decode() for _, entry in pieces(whole[9])}
    assert found == made["definitions"].keys()
    paths = {fields(entry)[1].decode() for _, entry in pieces(whole[8])}
    assert paths == made["paths"].keys()
