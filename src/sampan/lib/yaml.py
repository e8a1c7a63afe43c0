"""YAML as Kubernetes reads it: always what could have been written as JSON.

Only `true` and `false` (also True, TRUE, …) are booleans. `yes`, `no`, `on`, `off`, dates and
`1:30` stay text: here we leave upstream, whose YAML 1.1 parser makes booleans of the first four and
then refuses them wherever text is wanted. Numbers with leading zero are octal, as in
`defaultMode: 0644`; keys become text; a number without fraction is an integer. Aliases are expanded
up to a limit, duplicate keys are noted (the last one wins, as in JSON). Scanning and emitting are
libyaml's.
This is no general YAML library: tags other than those of JSON are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml as pyyaml

MAX_NODES = 2_000_000
"""Values in one text after expansion of aliases; the 2.8 MB CRD of Argo has 170,000."""
MAX_DEPTH = 200
"""Levels of nesting. Manifests stay below 40."""
MAX_GROWTH = 20
"""How many times more values than written nodes aliases may make (once above 10,000)."""


class YamlError(ValueError):
    """Text that is no YAML, or YAML that cannot be JSON. Line and column count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"yaml: line {line}, column {column}: {message}")
        self.line = line
        self.column = column


def load(text: str | bytes) -> Any:
    """The value of the only document; None for an empty text."""
    return load_checked(text)[0]


def load_checked(text: str | bytes) -> tuple[Any, list[Duplicate]]:
    """The value, and the duplicate keys: paths such as `data.a` or `spec.items[0].x` that know
    their place (`Duplicate`)."""
    found = list(_documents(text))
    if len(found) > 1:
        raise YamlError("expected one document and found another one", 1, 1)
    return found[0] if found else (None, [])


def load_all(text: str | bytes) -> list[Any]:
    """The values of all documents, without the empty ones."""
    return [value for value, _ in _documents(text) if value is not None]


def dump(value: Any) -> str:
    """Block style, keys in their order, text quoted where it would be read as something else."""
    return str(
        pyyaml.dump(
            value,
            Dumper=_Dumper,
            default_flow_style=False,
            sort_keys=False,
            allow_unicode=True,
            width=2**30,
        )
    )


_TAG = "tag:yaml.org,2002:"


class _Dumper(pyyaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _write_text(dumper: Any, text: str) -> Any:
    style = None
    if "\n" in text:
        style = "|"
    elif _plain(text) != text or _SURPRISING(text):
        style = '"'
    return dumper.represent_scalar(_TAG + "str", text, style=style)


_Dumper.add_representer(str, _write_text)


class Duplicate(str):
    """The path of a key that its mapping has already; `line` counts from 1."""

    key: str
    line: int

    @classmethod
    def at(cls, path: str, key: str, line: int) -> Duplicate:
        made = cls(path)
        made.key, made.line = key, line
        return made


def _documents(text: str | bytes) -> Iterator[tuple[Any, list[Duplicate]]]:
    loader = None
    try:
        loader = pyyaml.CSafeLoader(text)
        while True:
            event = loader.get_event()
            if isinstance(event, pyyaml.DocumentStartEvent):
                reader = _Reader(loader.get_event)
                yield reader.value(loader.get_event(), ""), reader.duplicates
            elif event is None or isinstance(event, pyyaml.StreamEndEvent):
                return
    except pyyaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlError(error.problem or "cannot be read", line, column) from error
    except (pyyaml.YAMLError, UnicodeError) as error:
        raise YamlError(f"cannot be read: {error}", 1, 1) from error
    finally:
        if loader is not None:
            loader.dispose()


class _Reader:
    """Makes the value of one document from its events.

    Events, because libyaml's composer of nodes recurses without a limit.
    """

    def __init__(self, take: Callable[[], Any]) -> None:
        self.take = take
        self.duplicates: list[Duplicate] = []
        self.anchors: dict[str, Any] = {}
        self.written = 0
        self.made = 0
        self.depth = 0

    def value(self, event: Any, path: str) -> Any:
        self.written += 1
        self._count(event)
        if isinstance(event, pyyaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise _at(event, f"unknown anchor '{event.anchor}' referenced")
            return self._copy(self.anchors[event.anchor], event)
        if isinstance(event, pyyaml.ScalarEvent):
            made = _scalar(event)
        else:
            made = self._collection(event, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = made
        return made

    def _collection(self, event: Any, path: str) -> Any:
        mapping = isinstance(event, pyyaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if mapping else "seq")):
            raise _at(event, f"tag {event.tag} has no meaning in JSON")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _at(event, "nested too deeply")
        made: Any = self._mapping(path) if mapping else self._sequence(path)
        self.depth -= 1
        return made

    def _sequence(self, path: str) -> list[Any]:
        made: list[Any] = []
        while not isinstance(event := self.take(), pyyaml.SequenceEndEvent):
            made.append(self.value(event, f"{path}[{len(made)}]"))
        return made

    def _mapping(self, path: str) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        while not isinstance(event := self.take(), pyyaml.MappingEndEvent):
            if isinstance(event, pyyaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
                merged = {**self._merged(path), **merged}
                continue
            key = self._key(event)
            place = f"{path}.{key}" if path else key
            if key in own:
                self.duplicates.append(Duplicate.at(place, key, event.start_mark.line + 1))
            own[key] = self.value(self.take(), place)
        return {**merged, **own} if merged else own

    def _merged(self, path: str) -> dict[str, Any]:
        """The keys that `<<` brings in; of several mappings the first wins."""
        event = self.take()
        found = self.value(event, path)
        merged: dict[str, Any] = {}
        for mapping in reversed(found if isinstance(found, list) else [found]):
            if not isinstance(mapping, dict):
                raise _at(event, "map merge requires map or sequence of maps as the value")
            merged.update(mapping)
        return merged

    def _key(self, event: Any) -> str:
        key = self.value(event, "") if isinstance(event, pyyaml.AliasEvent) else None
        if isinstance(event, pyyaml.ScalarEvent):
            key = self.value(event, "")
        elif not isinstance(event, pyyaml.AliasEvent) or isinstance(key, dict | list):
            raise _at(event, "a key must be a scalar")
        if isinstance(key, bool):
            return "true" if key else "false"
        return "null" if key is None else str(key)

    def _copy(self, value: Any, event: Any) -> Any:
        """What an alias stands for, not shared with the original."""
        self._count(event)
        if isinstance(value, dict):
            return {key: self._copy(inner, event) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._copy(inner, event) for inner in value]
        return value

    def _count(self, event: Any) -> None:
        self.made += 1
        if self.made > 10_000 and self.made > MAX_GROWTH * self.written:
            raise _at(event, "document contains excessive aliasing")
        if self.made > MAX_NODES:
            raise _at(event, f"more than {MAX_NODES} values")


def _at(event: Any, message: str) -> YamlError:
    return YamlError(message, event.start_mark.line + 1, event.start_mark.column + 1)


def _scalar(event: Any) -> Any:
    text = event.value
    plain, quoted = event.implicit
    tag = (event.tag or "").removeprefix(_TAG)
    if (quoted and not plain) or tag in ("str", "!", "binary"):
        return text
    if not plain and tag not in ("int", "float", "bool", "null"):
        raise _at(event, f"tag {event.tag} has no meaning in JSON")
    value = _plain(text)
    if isinstance(value, float) and not math.isfinite(value):
        raise _at(event, f"{text} is no number in JSON")
    return value


_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".inf": math.inf, ".Inf": math.inf, ".INF": math.inf, "+.inf": math.inf,
    "-.inf": -math.inf, ".nan": math.nan, ".NaN": math.nan, ".NAN": math.nan,
}  # fmt: skip
_NUMBERLIKE = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)").fullmatch
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?").fullmatch
# Other readers of YAML 1.1 take these for booleans, times, base-60 numbers or merge keys.
_SURPRISING = re.compile(
    r"(?i:y|n|yes|no|on|off)|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt\s].*)?|<<|=|[-+.0-9][0-9_.eE+-]*"
).fullmatch


def _plain(text: str) -> Any:
    """What a scalar without quotes means."""
    if not text or text[0] not in _NUMBERLIKE:
        return _WORDS.get(text, text)
    if _INTEGER(text):
        return _integer(text.replace("_", ""))
    if _FLOAT(text):
        number = float(text)
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    return _WORDS.get(text, text)


def _integer(text: str) -> int | str:
    if len(text) > 400:  # converting such texts takes ever longer, and no field holds one
        return text
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    if digits[:2] in ("0x", "0b", "0o"):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if digits.startswith("0") and len(digits) > 1 else 10)
