"""Numbers from text, and the formats: `@csv`, `@base64`, …"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from sampan.lib.jq.faults import Fault, Mistake
from sampan.lib.jq.nodes import shown
from sampan.lib.jq.values import Machine, described, encode, preview

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DIGITS = 4000


def number(text: str) -> int | float:
    """A number as it is written. ValueError when it is none, Mistake when it is too long."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    if len(text) > _DIGITS:
        raise Mistake("a number grows too large")
    if re.search(r"[.eE]", text):
        value = float(text)
        return value if math.isfinite(value) else math.copysign(math.inf, value)
    return int(text)


Format = Callable[[Machine, Any], str]


def _html(machine: Machine, value: Any) -> str:
    text = shown(machine, value)
    for char, entity in (("&", "amp"), ("<", "lt"), (">", "gt"), ("'", "apos"), ('"', "quot")):
        text = text.replace(char, f"&{entity};")
    return text


def _uri(machine: Machine, value: Any) -> str:
    return quote(shown(machine, value), safe="-_.~", errors="replace")


def _from_uri(machine: Machine, value: Any) -> str:
    text = shown(machine, value)
    if bad := re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", text, re.DOTALL):
        fault = f'invalid URL escape "{bad[0]}"'
        raise Fault(f"@urid cannot be applied to {preview(machine, value)}: {fault}")
    return unquote_to_bytes(text).decode(errors="replace")


def _base64(machine: Machine, value: Any) -> str:
    return base64.b64encode(shown(machine, value).encode("utf-8", "replace")).decode()


def _from_base64(machine: Machine, value: Any) -> str:
    text = re.sub(r"[\r\n]", "", shown(machine, value).partition("=")[0])
    try:
        if len(text) % 4 == 1:
            raise binascii.Error
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded.encode(), validate=True).decode(errors="replace")
    except (binascii.Error, UnicodeEncodeError):
        good = re.match(r"[A-Za-z0-9+/]*", text)
        at = good.end() if good else 0
        fault = f"illegal base64 data at input byte {min(at, len(text))}"
        raise Fault(f"@base64d cannot be applied to {preview(machine, value)}: {fault}") from None


def _row(kind: str, separator: str, escape: Callable[[str], str]) -> Format:
    def format(machine: Machine, value: Any) -> str:
        if kind == "sh" and not isinstance(value, list):
            value = [value]
        if not isinstance(value, list):
            raise Fault(f"@{kind} cannot be applied to: {described(machine, value)}")
        cells: list[str] = []
        for each in value:
            machine.tick()
            if isinstance(each, list | dict):
                shown_ = described(machine, each)
                raise Fault(f"@{kind} cannot format an array including: {shown_}")
            if isinstance(each, str):
                cells.append(escape(each))
            else:
                text = encode(machine, each)
                cells.append("" if text == "null" and kind != "sh" else text)
        return separator.join(cells)

    return format


def _tsv(text: str) -> str:
    pairs = (("\\", "\\\\"), ("\t", "\\t"), ("\r", "\\r"), ("\n", "\\n"), ("\0", "\\0"))
    for char, escape in pairs:
        text = text.replace(char, escape)
    return text


_FORMATS: dict[str, Format] = {
    "text": shown,
    "json": encode,
    "html": _html,
    "uri": _uri,
    "urid": _from_uri,
    "csv": _row("csv", ",", lambda text: '"' + text.replace('"', '""').replace("\0", "\\0") + '"'),
    "tsv": _row("tsv", "\t", _tsv),
    "sh": _row("sh", " ", lambda text: "'" + text.replace("'", "'\\''").replace("\0", "\\0") + "'"),
    "base64": _base64,
    "base64d": _from_base64,
}


def named(name: str) -> Format:
    """The format of a name; one that there is not is an error when it is used."""

    def unknown(machine: Machine, value: Any) -> str:
        raise Fault(f"format not defined: @{name}")

    return _FORMATS.get(name, unknown)
