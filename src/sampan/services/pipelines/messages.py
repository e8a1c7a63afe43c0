"""What the bodies of requests may say: messages of the API and how JSON is read as one.

As protocol buffers are: a field goes by its own name or in camelCase, an enum by name or number, a
long number may be text, null is nothing, and what is not declared is refused by name. What is read
has the fields that were given, under their own names. Answers are written by hand: `compact` leaves
out what is empty, as upstream does.
Upstream: google.golang.org/protobuf encoding/protojson, backend/api/v2beta1/*.proto.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from sampan.kube import times
from sampan.services.errors import invalid


class Message(Struct, frozen=True):
    """Of a group in `one_of` at most one field may be given."""

    fields: Mapping[str, Any]
    one_of: tuple[tuple[str, ...], ...] = ()

    @property
    def names(self) -> Mapping[str, str]:
        """What a field may be called in JSON -> its own name."""
        return {given: name for name in self.fields for given in (name, _camel(name))}


class Enum(Struct, frozen=True):
    """Names by their numbers."""

    names: Mapping[int, str]


class Many(Struct, frozen=True):
    of: Any


class Map(Struct, frozen=True):
    of: Any


Reader = Callable[[Any, str], Any]
EPOCH = "1970-01-01T00:00:00Z"
"""How a time that is not set is told."""


def enum(*names: str) -> Enum:
    return Enum(dict(enumerate(names)))


def read(kind: Any, value: Any, place: str = "") -> Any:
    """`kind` is a Message, Enum, Many, Map or one of the readers below. Raises Refused, naming
    the place."""
    if isinstance(kind, Message):
        return _message(kind, value, place)
    if isinstance(kind, Enum):
        return _enum(kind, value, place)
    if isinstance(kind, Many):
        if not isinstance(value, list):
            raise _wrong(place, "a list", value)
        return [read(kind.of, each, f"{place}[{i}]") for i, each in enumerate(value)]
    if isinstance(kind, Map):
        found = _mapping(place, value)
        return {key: read(kind.of, each, f"{place}[{key!r}]") for key, each in found.items()}
    return kind(value, place)


def compact(**fields: Any) -> dict[str, Any]:
    """An answer without what is empty, which is not sent."""
    return {name: value for name, value in fields.items() if value not in (None, "", 0, [], {}, ())}


def _message(kind: Message, value: Any, place: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = kind.names
    for given, each in _mapping(place, value).items():
        name = names.get(given)
        if name is None:
            raise invalid(f'proto: {_at(place)}unknown field "{given}"')
        if name in found:
            raise invalid(f'proto: {_at(place)}duplicate field "{given}"')
        if each is not None:
            found[name] = read(kind.fields[name], each, f"{place}.{name}" if place else name)
    for group in kind.one_of:
        both = [name for name in group if name in found]
        if len(both) > 1:
            raise invalid(f"proto: {_at(place)}only one of {' and '.join(both)} can be given")
    return found


def _enum(kind: Enum, value: Any, place: str) -> str:
    if isinstance(value, str) and value in kind.names.values():
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value in kind.names:
        return kind.names[value]
    raise invalid(f"proto: invalid value for enum field {place}: {_shown(value)}")


def _mapping(place: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(place, "an object", value)
    return value


# -- readers of values ------------------------------------------------------------------------


def text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise _wrong(place, "a string", value)
    if "\x00" in value:
        raise invalid(f"proto: invalid value for field {place}: it has a null character")
    return value


def flag(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(place, "true or false", value)
    return value


def integer(value: Any, place: str) -> int:
    return _whole(value, place, 31)


def long(value: Any, place: str) -> int:
    return _whole(value, place, 63)


def moment(value: Any, place: str) -> str:
    """RFC 3339 in UTC, whole seconds."""
    try:
        return times.rfc3339(times.parse(text(value, place)))
    except (ValueError, OverflowError):
        raise _wrong(place, "a time (RFC 3339)", value) from None


def struct(value: Any, place: str) -> dict[str, Any]:
    """A JSON object as it is."""
    return dict(_mapping(place, value))


def anything(value: Any, place: str) -> Any:
    return value


def _whole(value: Any, place: str, bits: int) -> int:
    found = value
    if isinstance(value, str):
        digits = value.removeprefix("-")
        found = int(value) if digits.isascii() and digits.isdecimal() and len(value) < 21 else None
    elif isinstance(value, float):
        found = int(value) if math.isfinite(value) and value == int(value) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise _wrong(place, "a whole number", value)
    if not -(1 << bits) <= found < 1 << bits:
        raise invalid(f"proto: invalid value for field {place}: {_shown(value)} is out of range")
    return found


def _wrong(place: str, wanted: str, value: Any) -> Exception:
    return invalid(f"proto: {_at(place)}expected {wanted}, got {_shown(value)}")


def _at(place: str) -> str:
    return f"{place}: " if place else ""


def _shown(value: Any) -> str:
    found = repr(value)
    return found if len(found) <= 80 else f"{found[:77]}..."


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


# -- messages ---------------------------------------------------------------------------------

STORAGE_STATE = enum("STORAGE_STATE_UNSPECIFIED", "AVAILABLE", "ARCHIVED")
RUNTIME_STATE = enum(
    "RUNTIME_STATE_UNSPECIFIED", "PENDING", "RUNNING", "SUCCEEDED", "SKIPPED", "FAILED",
    "CANCELING", "CANCELED", "PAUSED",
)  # fmt: skip
STATUS = Message({"code": integer, "message": text, "details": Many(struct)})
EXPERIMENT = Message({
    "experiment_id": text, "display_name": text, "description": text, "created_at": moment,
    "namespace": text, "storage_state": STORAGE_STATE, "last_run_created_at": moment,
})  # fmt: skip
PIPELINE = Message({
    "pipeline_id": text, "display_name": text, "name": text, "description": text,
    "created_at": moment, "namespace": text, "error": STATUS, "tags": Map(text),
})  # fmt: skip
PIPELINE_VERSION = Message({
    "pipeline_id": text, "pipeline_version_id": text, "display_name": text, "name": text,
    "description": text, "created_at": moment, "package_url": Message({"pipeline_url": text}),
    "code_source_url": text, "pipeline_spec": struct, "error": STATUS, "tags": Map(text),
})  # fmt: skip
PIPELINE_AND_VERSION = Message({"pipeline": PIPELINE, "pipeline_version": PIPELINE_VERSION})
RUNTIME_CONFIG = Message({"parameters": Map(anything), "pipeline_root": text})
VERSION_REFERENCE = Message({"pipeline_id": text, "pipeline_version_id": text})
PIPELINE_SOURCE = ("pipeline_version_id", "pipeline_spec", "pipeline_version_reference")
STATE_HISTORY = Many(Message({"update_time": moment, "state": RUNTIME_STATE, "error": STATUS}))
RUN = Message(
    {
        "experiment_id": text, "run_id": text, "display_name": text,
        "storage_state": STORAGE_STATE, "description": text, "pipeline_version_id": text,
        "pipeline_spec": struct, "pipeline_version_reference": VERSION_REFERENCE,
        "runtime_config": RUNTIME_CONFIG, "service_account": text, "created_at": moment,
        "scheduled_at": moment, "finished_at": moment, "state": RUNTIME_STATE, "error": STATUS,
        "run_details": struct, "recurring_run_id": text, "state_history": STATE_HISTORY,
        "plugins_input": Map(struct), "plugins_output": Map(struct),
    },
    (PIPELINE_SOURCE,),
)  # fmt: skip
OPERATION = Enum({
    0: "OPERATION_UNSPECIFIED", 1: "EQUALS", 2: "NOT_EQUALS", 3: "GREATER_THAN",
    5: "GREATER_THAN_EQUALS", 6: "LESS_THAN", 7: "LESS_THAN_EQUALS", 8: "IN", 9: "IS_SUBSTRING",
})  # fmt: skip
_VALUES = {
    "int_value": integer, "long_value": long, "string_value": text, "timestamp_value": moment,
    "int_values": Message({"values": Many(integer)}),
    "long_values": Message({"values": Many(long)}),
    "string_values": Message({"values": Many(text)}),
}  # fmt: skip


def _filter(operation: str) -> Message:
    predicate = {operation: OPERATION, "key": text, **_VALUES}
    return Message({"predicates": Many(Message(predicate, (tuple(_VALUES),)))})


FILTER = _filter("operation")
FILTER_V1 = _filter("op")
