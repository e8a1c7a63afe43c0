"""Formats of strings and integers that CRD schemas may ask for: name -> test.

A format that is not here is not checked, as upstream. Upstream: kube-openapi pkg/validation/strfmt.
"""

from __future__ import annotations

import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit


def _text(test: Callable[[str], object]) -> Callable[[Any], bool]:
    """True for whatever is no text; otherwise whether the test finds something and does not
    raise."""

    def holds(value: Any) -> bool:
        if value.__class__ is not str:
            return True
        try:
            return bool(test(value))
        except ValueError:
            return False

    return holds


def _matches(pattern: str) -> Callable[[Any], bool]:
    return _text(re.compile(pattern).fullmatch)


def _integer(bits: int) -> Callable[[Any], bool]:
    limit = 2 ** (bits - 1)
    return lambda value: value.__class__ is not int or -limit <= value < limit


def _date_time(value: str) -> object:
    return datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo and len(value) > 18


def _base64(value: str) -> bool:
    binascii.a2b_base64(value, strict_mode=True)
    return True


_HEX = "[0-9a-fA-F]"
TESTS: dict[str, Callable[[Any], bool]] = {
    "int32": _integer(32),
    "int64": _integer(64),
    "date-time": _text(_date_time),
    "date": _text(lambda value: len(value) == 10 and date.fromisoformat(value)),
    "duration": _matches(r"[+-]?(\d+(\.\d*)?|\.\d+)(\s*(ns|us|µs|ms|s|m|h|d|w)[a-z]*\s*"
                         r"((\d+(\.\d*)?|\.\d+)\s*(ns|us|µs|ms|s|m|h|d|w)[a-z]*\s*)*)?"),
    "byte": _text(_base64),
    "uri": _text(lambda value: urlsplit(value).scheme or value.startswith("/")),
    "email": _matches(r"[^@\s]+@[^@\s]+"),
    "hostname": _matches(r"(?=.{1,253}\.?$)[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?"
                         r"(\.[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)*\.?"),
    "ipv4": _text(ipaddress.IPv4Address),
    "ipv6": _text(ipaddress.IPv6Address),
    "cidr": _text(lambda value: "/" in value and ipaddress.ip_interface(value)),
    "mac": _matches(rf"{_HEX}{{2}}([:-]{_HEX}{{2}}){{5}}"),
    "uuid": _matches(rf"{_HEX}{{8}}-?{_HEX}{{4}}-?{_HEX}{{4}}-?{_HEX}{{4}}-?{_HEX}{{12}}"),
    "hexcolor": _matches(rf"#?({_HEX}{{3}}|{_HEX}{{6}})"),
}  # fmt: skip
