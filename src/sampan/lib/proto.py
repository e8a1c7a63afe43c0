"""Protocol buffers by declarations of our own: messages are dicts, and bytes on the wire.

    Schema("api.v1", enums={"Kind": ("NONE", "SOME")},
           messages={"Pair": "1 name string, 2 kind Kind, 3 of Pair*, 4 labels map"})

A field is its number, its name and its type: `string`, `bytes`, `bool`, `int32`, `double`, an enum,
a message; `*` for many; `map` is from string to string. What is decoded has each field that was
sent, and of many always a list; `get` answers with the default of the language for others. Enums
are their numbers. Fields that nobody declared are passed over, and broken bytes are a `Broken`. Of
what a schema declares `descriptor` makes the file that reflection shows.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

Message = dict[str, Any]
_DEEPEST = 100
"""Levels of messages, as upstream's libraries."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIRES = {"string": _BYTES, "bytes": _BYTES, "bool": _VARINT, "int32": _VARINT, "double": _FIXED64}
_MAP_ENTRY = "map"
_STREAM = "stream "
_NUMBERS_OF_TYPES = {"double": 1, "int32": 5, "bool": 8, "string": 9, "message": 11, "bytes": 12,
                     "enum": 14}  # fmt: skip


class Broken(ValueError):
    """The bytes are no such message."""


class Field(Struct, frozen=True, kw_only=True):
    number: int
    name: str
    type: str
    many: bool = False

    @property
    def is_map(self) -> bool:
        return self.type == _MAP_ENTRY


class Schema:
    """`enums`: the names of values, counted from 0. `messages`: their fields; a dot in a name says
    that one is declared within another. `services`: methods with (request, answer), of which there
    may be many where "stream " stands before."""

    def __init__(
        self,
        package: str,
        *,
        messages: Mapping[str, str],
        enums: Mapping[str, Sequence[str]] | None = None,
        services: Mapping[str, Mapping[str, tuple[str, str]]] | None = None,
        file: str = "",
    ) -> None:
        self.package = package
        self.file = file or f"{package.replace('.', '/')}.proto"
        self.enums = dict(enums or {})
        self.services = dict(services or {})
        self.messages = {name: _fields(text) for name, text in messages.items()}
        self._numbered = {
            name: {field.number: field for field in fields}
            for name, fields in self.messages.items()
        }

    def encode(self, name: str, message: Mapping[str, Any]) -> bytes:
        """Defaults are left out. KeyError for a message that nobody declared."""
        out = bytearray()
        for field in self.messages[name]:
            value = message.get(field.name)
            if value is None:
                continue
            if field.is_map:
                for key, each in value.items():
                    entry = _chunk(1, key.encode()) + _chunk(2, str(each).encode())
                    out += _chunk(field.number, entry)
            elif field.many:
                for each in value:
                    out += self._field(field, each)
            elif value or self._is_message(field):
                out += self._field(field, value)
        return bytes(out)

    def decode(self, name: str, data: bytes) -> Message:
        return self._decode(name, data, 0)

    def descriptor(self) -> bytes:
        """A google.protobuf.FileDescriptorProto."""
        return _describe(self)

    def _is_message(self, field: Field) -> bool:
        return field.type in self.messages

    def _field(self, field: Field, value: Any) -> bytes:
        kind = field.type
        if self._is_message(field):
            return _chunk(field.number, self.encode(kind, value))
        if kind == "string":
            return _chunk(field.number, value.encode())
        if kind == "bytes":
            return _chunk(field.number, value)
        if kind == "double":
            return _varint(field.number << 3 | _FIXED64) + struct.pack("<d", value)
        return _varint(field.number << 3) + _varint(int(value) & (1 << 64) - 1)

    def _decode(self, name: str, data: bytes, depth: int) -> Message:
        if depth > _DEEPEST:
            raise Broken("messages are nested too deeply")
        fields = self._numbered[name]
        found: Message = {
            field.name: {} if field.is_map else []
            for field in fields.values()
            if field.many or field.is_map
        }
        for number, wire, value in pieces(data):
            field = fields.get(number)
            if field is not None:
                self._take(found, field, wire, value, depth)
        return found

    def _take(self, found: Message, field: Field, wire: int, value: Any, depth: int) -> None:
        if field.is_map:
            key, text = _entry(_of(field, wire, value, _BYTES))
            found[field.name][key] = text
        elif self._is_message(field):
            inner = self._decode(field.type, _of(field, wire, value, _BYTES), depth + 1)
            if field.many:
                found[field.name].append(inner)
            else:
                found[field.name] = found.get(field.name, {}) | inner
        elif field.many and wire == _BYTES and _WIRES.get(field.type, _VARINT) != _BYTES:
            found[field.name] += _packed(field, value)
        else:
            one = _scalar(field, _of(field, wire, value, _WIRES.get(field.type, _VARINT)))
            if field.many:
                found[field.name].append(one)
            else:
                found[field.name] = one


def get(message: Mapping[str, Any], *path: str, default: Any = "") -> Any:
    """The field at the end of the path; `default` when it was not sent."""
    found: Any = message
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return default if found is None else found


def _fields(text: str) -> tuple[Field, ...]:
    found = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        number, name, kind = part.split()
        many = kind.endswith("*")
        found.append(Field(number=int(number), name=name, type=kind.removesuffix("*"), many=many))
    return tuple(found)


# -- the wire -------------------------------------------------------------------------------------
def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _chunk(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number of 64 bits that begins there, and where what follows it does. Raises Broken."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value & (1 << 64) - 1, at
    raise Broken("a number that does not end")


def pieces(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Field number, type on the wire, and what stands there: a number or bytes. Raises Broken."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not number:
            raise Broken("a field without a number")
        if wire == _VARINT:
            value, at = read_varint(data, at)
            yield number, wire, value
            continue
        if wire == _BYTES:
            size, at = read_varint(data, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise Broken(f"a field of type {wire}")
        if size > len(data) - at:
            raise Broken("it ends within a field")
        yield number, wire, data[at : at + size]
        at += size


def _of(field: Field, wire: int, value: Any, expected: int) -> Any:
    if wire != expected:
        raise Broken(f"{field.name} is no {field.type}")
    return value


def _scalar(field: Field, value: Any) -> Any:
    match field.type:
        case "string":
            try:
                return value.decode()
            except UnicodeDecodeError as error:
                raise Broken(f"{field.name} is no UTF-8") from error
        case "bytes":
            return value
        case "double":
            return struct.unpack("<d", value)[0]
        case "bool":
            return bool(value)
    low = value & 0xFFFF_FFFF
    return low - (1 << 32) if low >> 31 else low


def _packed(field: Field, data: bytes) -> list[Any]:
    if field.type == "double":
        if len(data) % 8:
            raise Broken(f"{field.name} ends within a number")
        return [number for (number,) in struct.iter_unpack("<d", data)]
    found, at = [], 0
    while at < len(data):
        value, at = read_varint(data, at)
        found.append(_scalar(field, value))
    return found


def _entry(data: bytes) -> tuple[str, str]:
    found = {1: "", 2: ""}
    for number, wire, value in pieces(data):
        if number in found:
            field = Field(number=number, name="an entry", type="string")
            found[number] = _scalar(field, _of(field, wire, value, _BYTES))
    return found[1], found[2]


# -- descriptors ----------------------------------------------------------------------------------
def _describe(schema: Schema) -> bytes:
    top = [name for name in schema.messages if "." not in name]
    return _FILE.encode(
        "File",
        {
            "name": schema.file,
            "package": schema.package,
            "messages": [_message(schema, name) for name in top],
            "enums": [_enum(schema, name) for name in schema.enums if "." not in name],
            "services": [_service(schema, name) for name in schema.services],
            "syntax": "proto3",
        },
    )


def _message(schema: Schema, name: str) -> Message:
    within = re.compile(re.escape(name) + r"\.[^.]+")
    entries = [each for each in schema.messages[name] if each.is_map]
    return {
        "name": name.rpartition(".")[2],
        "fields": [_field(schema, name, each) for each in schema.messages[name]],
        "nested": [
            *(_message(schema, each) for each in schema.messages if within.fullmatch(each)),
            *(_map_entry(each) for each in entries),
        ],
        "enums": [_enum(schema, each) for each in schema.enums if within.fullmatch(each)],
    }


def _field(schema: Schema, of: str, field: Field) -> Message:
    kind = _kind(schema, field)
    found = {
        "name": field.name,
        "number": field.number,
        "label": 3 if field.many or field.is_map else 1,
        "type": _NUMBERS_OF_TYPES[kind],
        "json_name": _camel(field.name),
    }
    if kind in ("message", "enum"):
        type = f"{of}.{_entry_name(field)}" if field.is_map else field.type
        found["type_name"] = f".{schema.package}.{type}"
    return found


def _kind(schema: Schema, field: Field) -> str:
    if field.is_map or field.type in schema.messages:
        return "message"
    return "enum" if field.type in schema.enums else field.type


def _map_entry(field: Field) -> Message:
    text = _NUMBERS_OF_TYPES["string"]
    return {
        "name": _entry_name(field),
        "fields": [
            {"name": name, "number": number, "label": 1, "type": text, "json_name": name}
            for number, name in ((1, "key"), (2, "value"))
        ],
        "options": {"map_entry": True},
    }


def _entry_name(field: Field) -> str:
    camel = _camel(field.name)
    return f"{camel[:1].upper()}{camel[1:]}Entry"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def _enum(schema: Schema, name: str) -> Message:
    values = [{"name": each, "number": number} for number, each in enumerate(schema.enums[name])]
    return {"name": name.rpartition(".")[2], "values": values}


def _service(schema: Schema, name: str) -> Message:
    return {
        "name": name,
        "methods": [
            {
                "name": method,
                "input": f".{schema.package}.{request.removeprefix(_STREAM)}",
                "output": f".{schema.package}.{answer.removeprefix(_STREAM)}",
                "many_requests": request.startswith(_STREAM),
                "many_answers": answer.startswith(_STREAM),
            }
            for method, (request, answer) in schema.services[name].items()
        ],
    }


_FILE = Schema(
    "google.protobuf",
    messages={
        "File": "1 name string, 2 package string, 4 messages Message*, 5 enums Enum*,"
        "6 services Service*, 12 syntax string",
        "Message": "1 name string, 2 fields Field*, 3 nested Message*, 4 enums Enum*,"
        "7 options Options",
        "Field": "1 name string, 3 number int32, 4 label int32, 5 type int32, 6 type_name string,"
        "10 json_name string",
        "Options": "7 map_entry bool",
        "Enum": "1 name string, 2 values Value*",
        "Value": "1 name string, 2 number int32",
        "Service": "1 name string, 2 methods Method*",
        "Method": "1 name string, 2 input string, 3 output string, 5 many_requests bool,"
        "6 many_answers bool",
    },
)
"""Those parts of descriptor.proto that proto3 needs, by names of our own."""
