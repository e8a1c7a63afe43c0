"""Write an OpenAPI v2 document as the protobuf message that kubectl reads.

A table tells for each message the number and type of what JSON calls by name; all else follows from
it. Only what our documents use is in the table; another key is a LookupError. Nothing is read here.
Upstream: google/gnostic-models openapiv2/OpenAPIv2.proto.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from typing import Any

import orjson

Field = tuple[int, str]
Writer = Callable[[Any], bytes]

_MESSAGES: Mapping[str, Mapping[str, Field]] = {
    "Document": {
        "swagger": (1, "string"), "info": (2, "Info"), "paths": (8, "Paths"),
        "definitions": (9, "Definitions"),
    },
    "Info": {"title": (1, "string"), "version": (2, "string")},
    "Paths": {"*": (2, "PathItem")},
    "Definitions": {"*": (1, "Schema")},
    "Properties": {"*": (1, "Schema")},
    "Responses": {"*": (1, "ResponseValue")},
    "PathItem": {
        "get": (2, "Operation"), "put": (3, "Operation"), "post": (4, "Operation"),
        "delete": (5, "Operation"), "patch": (8, "Operation"),
        "parameters": (9, "[ParametersItem"),
    },
    "Operation": {
        "produces": (6, "[string"), "consumes": (7, "[string"),
        "parameters": (8, "[ParametersItem"), "responses": (9, "Responses"), "x-": (13, "Any"),
    },
    "BodyParameter": {
        "name": (2, "string"), "in": (3, "string"), "required": (4, "bool"),
        "schema": (5, "Schema"),
    },
    "QueryParameter": {
        "required": (1, "bool"), "in": (2, "string"), "name": (4, "string"), "type": (6, "string"),
    },
    "PathParameter": {
        "required": (1, "bool"), "in": (2, "string"), "name": (4, "string"), "type": (5, "string"),
    },
    "ParametersItem": {"parameter": (1, "Parameter")},
    "Parameter": {"body": (1, "BodyParameter"), "other": (2, "NonBodyParameter")},
    "NonBodyParameter": {"query": (3, "QueryParameter"), "path": (4, "PathParameter")},
    "ResponseValue": {"response": (1, "Response")},
    "Response": {"description": (1, "string"), "schema": (2, "SchemaItem")},
    "SchemaItem": {"schema": (1, "Schema")},
    "Schema": {
        "$ref": (1, "string"), "format": (2, "string"), "title": (3, "string"),
        "description": (4, "string"), "default": (5, "Any"), "multipleOf": (6, "double"),
        "maximum": (7, "double"), "exclusiveMaximum": (8, "bool"), "minimum": (9, "double"),
        "exclusiveMinimum": (10, "bool"), "maxLength": (11, "int"), "minLength": (12, "int"),
        "pattern": (13, "string"), "maxItems": (14, "int"), "minItems": (15, "int"),
        "uniqueItems": (16, "bool"), "maxProperties": (17, "int"), "minProperties": (18, "int"),
        "required": (19, "[string"), "enum": (20, "[Any"),
        "additionalProperties": (21, "AdditionalPropertiesItem"), "type": (22, "TypeItem"),
        "items": (23, "ItemsItem"), "properties": (25, "Properties"), "x-": (31, "Any"),
    },
    "AdditionalPropertiesItem": {"schema": (1, "Schema"), "boolean": (2, "bool")},
    "TypeItem": {"value": (1, "string")},
    "ItemsItem": {"schema": (1, "Schema")},
}  # fmt: skip
"""By message and key of the JSON. `[` is a list; "*" stands for any key and "x-" for any extension,
which become a name and a value in a message of their own."""

_CHOICES: Mapping[str, Callable[[Any], str]] = {
    "ParametersItem": lambda value: "parameter",
    "Parameter": lambda value: "body" if value["in"] == "body" else "other",
    "NonBodyParameter": lambda value: str(value["in"]),
    "ResponseValue": lambda value: "response",
    "SchemaItem": lambda value: "schema",
    "AdditionalPropertiesItem": lambda value: "boolean" if isinstance(value, bool) else "schema",
    "TypeItem": lambda value: "value",
    "ItemsItem": lambda value: "schema",
}
"""Messages that JSON has no level for: the field that holds the value."""

# What a double-quoted YAML scalar cannot have or does not keep, and JSON leaves as it is.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def encode(message: str, value: Any) -> bytes:
    """The bytes of a message."""
    choose = _CHOICES.get(message)
    if choose is not None:
        return _writers(message)[choose(value)](value)
    writers = _writers(message)
    if "*" in writers:
        write = writers["*"]
        return b"".join([write(pair) for pair in value.items()])
    parts = []
    for key, inner in value.items():
        if key in writers:
            parts.append(writers[key](inner))
        elif key.startswith("x-"):
            parts.append(writers["x-"]((key, inner)))
        else:
            raise LookupError(f"{message} has no field for {key}")
    return b"".join(parts)


@cache
def _writers(message: str) -> Mapping[str, Writer]:
    """What writes the fields of a message."""
    return {
        key: _field(number, f"<{kind}" if key in ("*", "x-") else kind)
        for key, (number, kind) in _MESSAGES[message].items()
    }


def _field(number: int, kind: str) -> Writer:
    if kind.startswith("["):
        one = _field(number, kind[1:])
        return lambda values: b"".join([one(value) for value in values])
    if kind.startswith("<"):
        name, inner = _field(1, "string"), _field(2, kind[1:])
        return _framed(number, lambda pair: name(pair[0]) + inner(pair[1]))
    match kind:
        case "bool" | "int":
            tag = _varint(number << 3)
            return lambda value: tag + _varint(int(value) & (1 << 64) - 1)
        case "double":
            tag = _varint(number << 3 | 1)
            return lambda value: tag + struct.pack("<d", value)
        case "string" | "TypeItem":
            return lru_cache(500)(_framed(number, _PLAIN.get(kind) or partial(encode, kind)))
    return _framed(number, _PLAIN.get(kind) or partial(encode, kind))


def _framed(number: int, write: Writer) -> Writer:
    tag = _varint(number << 3 | 2)

    def framed(value: Any) -> bytes:
        data = write(value)
        return tag + _varint(len(data)) + data

    return framed


def _any(value: Any) -> bytes:
    """Free values are YAML, which JSON is but for some characters."""
    text = orjson.dumps(value)
    if not text.isascii() or b"\x7f" in text:
        escaped = _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text.decode())
        text = escaped.encode()
    return b"\x12" + _varint(len(text)) + text


def _varint(value: int) -> bytes:
    if value < 128:
        return _BYTES[value]
    made = bytearray()
    while value >= 128:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


_BYTES = [bytes((value,)) for value in range(128)]
_PLAIN: Mapping[str, Writer] = {"string": str.encode, "Any": _any}
