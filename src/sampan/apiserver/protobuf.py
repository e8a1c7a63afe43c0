"""Read request bodies in application/vnd.kubernetes.protobuf: newer kubectl sends them to create.

An envelope (`k8s\\0` and a runtime.Unknown) names the kind; a table of messages, derived ahead of
time by `scripts/derive_facts.py`, tells each field's number, name in JSON and type. What comes out
is the manifest that a client would have sent as JSON: Go's zero values are dropped where JSON omits
them, structs that Go inlines are flattened. CRDs have no such encoding here, and nothing is ever
written in protobuf: clients accept JSON answers. Broken bytes are a BadRequest.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from sampan.kube.errors import BadRequest
from sampan.kube.keys import Manifest

MAGIC = b"k8s\0"
MAX_DEPTH = 64
"""Levels of messages; a pod has nine."""

Fields = dict[int, tuple[str, str, str]]
_META = "k8s.io.apimachinery.pkg."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode(body: bytes) -> Manifest:
    """The manifest in a protobuf body. BadRequest when there is none."""
    if not body.startswith(MAGIC):
        raise BadRequest("the body is not Kubernetes protobuf: it lacks the prefix k8s\\0")
    try:
        api_version, kind, raw = _envelope(body[len(MAGIC) :])
        # Options belong to every group: clients send them under the one that they speak.
        known_as = "v1" if kind == "DeleteOptions" else api_version
        message = _tables()[0].get(_key(known_as, kind))
        if message is None:
            raise BadRequest(f'no kind "{kind}" is registered for version "{api_version}"')
        manifest = _message(message, raw, 0)
    except (_Broken, ValueError, OverflowError, struct.error) as wrong:
        raise BadRequest(f"the body cannot be read as protobuf: {wrong}") from None
    _drop_zeros(manifest)
    return {"apiVersion": api_version, "kind": kind, **manifest}


class _Broken(Exception):
    """The bytes are not what they should be."""


@cache
def _tables() -> tuple[dict[str, str], dict[str, dict[str, list[str]]]]:
    """Message by `group/version/kind`, and fields by message as they are in the file."""
    path = files(__package__) / "protobuf.json.z"
    data = orjson.loads(zlib.decompress(path.read_bytes()))
    return data["kinds"], data["messages"]


@cache
def _fields(message: str) -> Fields:
    body = _tables()[1].get(message, {})
    return {int(number): (name, label, kind) for number, (name, label, kind) in body.items()}


def _key(api_version: str, kind: str) -> str:
    group, slash, version = api_version.partition("/")
    return f"{group}/{version}/{kind}" if slash else f"/{api_version}/{kind}"


def _envelope(data: bytes) -> tuple[str, str, bytes]:
    """apiVersion, kind and the object's bytes of a runtime.Unknown."""
    kinds: dict[int, str] = {}
    raw = b""
    for number, value in _pieces(data):
        if not isinstance(value, bytes):
            raise _Broken("the envelope has a field of another type")
        if number == 1:
            kinds = {at: _text(text) for at, text in _pieces(value)}
        elif number == 2:
            raw = value
    return kinds.get(1, ""), kinds.get(2, ""), raw


def _pieces(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and raw value of each field; an integer for varints, bytes for the rest."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value: int | bytes
            value, at = _varint(data, at)
        else:
            if wire == 2:
                size, at = _varint(data, at)
            elif wire in (1, 5):
                size = 8 if wire == 1 else 4
            else:
                raise _Broken(f"wire type {wire} is not used by Kubernetes")
            if at + size > end:
                raise _Broken("unexpected end of data")
            value = data[at : at + size]
            at += size
        yield tag >> 3, value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    shift = result = 0
    while True:
        if at >= len(data) or shift > 63:
            raise _Broken("unexpected end of a number")
        byte = data[at]
        at += 1
        result |= (byte & 127) << shift
        if byte < 128:
            return result & (2**64 - 1), at
        shift += 7


def _message(name: str, data: bytes, depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise _Broken("nested too deeply")
    fields = _fields(name)
    made: dict[str, Any] = {}
    for number, raw in _pieces(data):
        if number not in fields:
            continue  # of a newer version, or `protobuf` of an older one
        field, label, kind = fields[number]
        if label == "m":
            key, value = _pair(kind, raw, depth)
            made.setdefault(field, {})[key] = value
            continue
        value = _value(kind, raw, depth)
        if label == "r":
            made.setdefault(field, []).append(value)
        elif label == "i" and isinstance(value, dict):
            made.update(value)
        elif value is not None:
            made[field] = value
    return made


def _pair(kind: str, raw: int | bytes, depth: int) -> tuple[str, Any]:
    key, value = "", None
    for number, part in _pieces(_bytes(raw)):
        if number == 1:
            key = _text(part)
        elif number == 2:
            value = _value(kind, part, depth)
    return key, _value(kind, b"", depth) if value is None else value


def _value(kind: str, raw: int | bytes, depth: int) -> Any:
    match kind:
        case "string":
            return _text(raw)
        case "bool":
            return bool(raw)
        case "int32" | "int64":
            number = _number(raw)
            return number - 2**64 if number >> 63 else number
        case "uint32" | "uint64":
            return _number(raw)
        case "bytes":
            return base64.b64encode(_bytes(raw)).decode()
        case "double":
            found: float = struct.unpack("<d", _bytes(raw))[0]
            return found
    special = _SPECIAL.get(kind)
    if special is not None:
        return special(_bytes(raw))
    made = _message(kind, _bytes(raw), depth + 1)
    if kind.endswith(("ExtraValue", "AttestationValue")):
        return made.get("items", [])  # protobuf can have a list inside a map only as a message
    return made


def _number(raw: int | bytes) -> int:
    if not isinstance(raw, int):
        if raw == b"":
            return 0
        raise _Broken("a number was expected")
    return raw


def _bytes(raw: int | bytes) -> bytes:
    if not isinstance(raw, bytes):
        raise _Broken("bytes were expected")
    return raw


def _text(raw: int | bytes) -> str:
    return _bytes(raw).decode()


def _plain(data: bytes) -> dict[int, int | bytes]:
    return dict(_pieces(data))


def _time(data: bytes, digits: str) -> str | None:
    parts = _plain(data)
    if not parts:
        return None
    seconds, nanos = _number(parts.get(1, 0)), _number(parts.get(2, 0))
    seconds = seconds - 2**64 if seconds >> 63 else seconds
    moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    if moment.year < 2:
        return None  # Go's zero time
    return moment.strftime(f"%Y-%m-%dT%H:%M:%S{digits}Z")


def _int_or_string(data: bytes) -> int | str:
    parts = _plain(data)
    if parts.get(1):
        return _text(parts.get(3, b""))
    number = _number(parts.get(2, 0))
    return number - 2**64 if number >> 63 else number


def _json(data: bytes) -> Any:
    raw = _bytes(_plain(data).get(1, b""))
    return orjson.loads(raw) if raw else None


_SPECIAL = {
    _META + "apis.meta.v1.Time": lambda data: _time(data, ""),
    _META + "apis.meta.v1.MicroTime": lambda data: _time(data, ".%f"),
    _META + "api.resource.Quantity": lambda data: _text(_plain(data).get(1, b"")) or "0",
    _META + "util.intstr.IntOrString": _int_or_string,
    _META + "apis.meta.v1.FieldsV1": _json,
    _META + "runtime.RawExtension": _json,
}

# Structs that are no pointers in Go, so an empty one says nothing.
_EMPTY_STRUCTS = frozenset({"metadata", "status", "resources", "strategy", "updateStrategy"})
# Numbers and booleans that are no pointers in Go and are left out of JSON when zero.
_ZEROS = frozenset((
    "count", "failureThreshold", "generation", "healthCheckNodePort", "hostIPC", "hostNetwork",
    "hostPID", "hostPort", "initialDelaySeconds", "minReadySeconds", "nodePort",
    "observedGeneration", "paused", "periodSeconds", "publishNotReadyAddresses", "readOnly",
    "stdin", "stdinOnce", "successThreshold", "timeoutSeconds", "tty", "unschedulable", "weight",
))  # fmt: skip


def _drop_zeros(value: dict[str, Any], *, all_of_them: bool = False) -> None:
    """Remove what Go's JSON would not have written, in place."""
    for key, inner in list(value.items()):
        if isinstance(inner, dict):
            _drop_zeros(inner, all_of_them=all_of_them or key == "status")
            gone = not inner and (key in _EMPTY_STRUCTS or all_of_them)
        elif isinstance(inner, list):
            for item in inner:
                if isinstance(item, dict):
                    _drop_zeros(item, all_of_them=all_of_them)
            gone = not inner
        else:
            zero = inner == 0 and not isinstance(inner, str)
            gone = inner == "" or (zero and (all_of_them or key in _ZEROS))
        if gone:
            del value[key]
