"""JSON of a message to its struct, with faults that name the place.

Reads what protobuf's JSON mapping reads: names as in JSON or as in the .proto, null for absent,
integers as text or as `3.0`, durations as `1.5s`, enumerations by name or number. Refused is what
it refuses: unknown fields, values of another type, two fields of a oneof. One reader is made per
type, at first need.
This is no general reader of protobuf: it knows the types that `messages` uses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import UnsetType
from msgspec.structs import fields

from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.messages import Duration, Message

DEEPEST = 64
"""Levels of nesting in a free value. Of messages there are 12."""
LARGEST_INT = 2**63 - 1
M = TypeVar("M", bound=Message)
Reader = Callable[[Any, str], Any]


def decode(cls: type[M], value: Any, path: str = "") -> M:
    """The struct. Raises Invalid."""
    found: M = _reader(cls)(value, path)
    return found


@cache
def _reader(type_: Any) -> Reader:
    """A reader of a type. Null has been taken care of, but for Any."""
    if type_ is Any:
        return _free
    if isinstance(type_, type) and issubclass(type_, Message):
        return _Fields(type_)
    origin, inner = get_origin(type_), get_args(type_)
    if origin in (Union, UnionType):
        return _reader(present(type_))
    if origin is Literal:
        return _one_of(inner)
    if origin is list:
        return _items(inner[0])
    if origin is dict:
        return _entries(inner[1])
    return _SCALARS[type_]


def present(type_: Any) -> Any:
    """The type of a field that may be absent, when it is there."""
    return next(each for each in get_args(type_) if each not in (NoneType, UnsetType))


@cache
def declared(cls: type[Message]) -> Mapping[str, tuple[str, Any]]:
    """What JSON may call a field -> its name and its type."""
    hints = get_type_hints(cls)
    return {
        given: (field.name, hints[field.name])
        for field in fields(cls)
        for given in (field.name, _in_proto(field.name))
    }


class _Fields:
    """Reads one message. Types of fields are looked at when the first one comes, so that messages
    may contain each other."""

    def __init__(self, cls: type[Message]) -> None:
        self._cls = cls

    def __call__(self, value: Any, path: str) -> Message:
        names = declared(self._cls)
        read: dict[str, Any] = {}
        for key, each in _object(value, path).items():
            if key not in names:
                if self._cls.LENIENT:
                    continue
                raise Invalid(f"{_at(path)}unknown field {_quoted(key)}")
            name, type_ = names[key]
            if each is None and not _keeps_null(type_):
                continue
            if name in read:
                raise Invalid(f"{_at(path)}duplicate field {_quoted(key)}")
            read[name] = _reader(type_)(each, f"{path}.{name}" if path else name)
        for group in self._cls.ONE_OF:
            said = [name for name in group if name in read]
            if len(said) > 1:
                raise Invalid(f"{_at(path)}only one of {' and '.join(said)} may be given")
        return self._cls(**read)


def _in_proto(name: str) -> str:
    return re.sub("[A-Z]", lambda match: "_" + match[0].lower(), name)


def _keeps_null(type_: Any) -> bool:
    return type_ is Any or (Any in get_args(type_) and get_origin(type_) in (Union, UnionType))


def _object(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) and not isinstance(value, Mapping):
        raise _mistyped(value, "an object", path)
    return value


def _items(inner: Any) -> Reader:
    def read(value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise _mistyped(value, "a list", path)
        each = _reader(inner)
        return [each(item, f"{path}[{index}]") for index, item in enumerate(value)]

    return read


def _entries(inner: Any) -> Reader:
    def read(value: Any, path: str) -> Any:
        each = _reader(inner)
        found = {}
        for key, item in _object(value, path).items():
            if not isinstance(key, str):
                raise _mistyped(key, "text", f"a key of {path}")
            found[key] = each(item, _entry(path, key))
        return found

    return read


def _entry(path: str, key: str) -> str:
    return f"{path}.{key}" if _PLAIN(key) else f"{path}[{_quoted(key)}]"


_PLAIN = re.compile(r"[\w-]{1,100}").fullmatch


def _free(value: Any, path: str, depth: int = DEEPEST) -> Any:
    """A google.protobuf.Value: JSON, not too deep, numbers finite."""
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Invalid(f"{_at(path)}a number has to be finite")
        return value
    if not depth:
        raise Invalid(f"{_at(path)}nested deeper than {DEEPEST} levels")
    if isinstance(value, list):
        return [_free(item, path, depth - 1) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _free(item, path, depth - 1) for key, item in value.items()}
    raise _mistyped(value, "JSON", path)


_SIMPLE = frozenset({str, bool, int, NoneType})


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise _mistyped(value, "text", path)
    return value


def _bool(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _mistyped(value, "a boolean", path)
    return value


def _int(value: Any, path: str) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        value = int(value)
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_INT:
        raise _mistyped(value, "an integer", path)
    return value


def _float(value: Any, path: str) -> float:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,300}(\.[0-9]{1,300})?", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mistyped(value, "a number", path)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Invalid(f"{_at(path)}a number has to be finite")
    return number


def _duration(value: Any, path: str) -> Duration:
    match = re.fullmatch(r"(-?[0-9]{1,12}(\.[0-9]{1,9})?)s", _text(value, path))
    if not match:
        raise Invalid(f"{_at(path)}{_quoted(value)} is no duration such as 1.5s")
    return Duration(match[1])


def _one_of(names: tuple[str, ...]) -> Reader:
    def read(value: Any, path: str) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
            return names[value]
        if value not in names:
            raise Invalid(f"{_at(path)}{_quoted(value)} is none of {', '.join(names)}")
        return str(value)

    return read


_SCALARS: Mapping[Any, Reader] = {
    str: _text, bool: _bool, int: _int, float: _float, Duration: _duration,
}  # fmt: skip


def _at(path: str) -> str:
    return f"{path}: " if path else ""


def _quoted(value: Any) -> str:
    text = str(value)
    return '"' + (text if len(text) <= 100 else text[:100] + "…") + '"'


_KINDS = {dict: "an object", list: "a list", str: "text", bool: "a boolean", NoneType: "null"}


def _mistyped(value: Any, wanted: str, path: str) -> Invalid:
    kind = _KINDS.get(type(value), "a number" if isinstance(value, int | float) else "something")
    return Invalid(f"{_at(path)}expected {wanted}, got {kind}")
