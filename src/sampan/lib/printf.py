"""Go's fmt.Sprintf over plain JSON values.

    format = { text | "%" flags [width] ["." precision] verb };
    flags  = { "+" | "-" | "#" | " " | "0" };     width, precision = digits | "*"

Verbs: v t d b o O x X c q U e E f F g G s T and %%, with argument indexes `[n]`. A Python int is
Go's int, float its float64, a list and a dict its []interface {} and map[string]interface {}. As in
Go a wrong verb or argument is no error: it shows in the text, as `%!d(string=x)`. A `Mistake` is
what is not part of it (pointers and structs, `%p`, `%#v`, floats in base 2 and 16), and a text that
would be too long.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

MOST = 4 << 20
"""Characters of a result."""
_WIDEST = 1_000_000  # as Go: beyond that a width is not taken
_DIRECTIVE = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<first>\[[^\]]*\])?(?P<width>\*|\d+)?"
    r"(?:(?P<dot>\.)(?P<second>\[[^\]]*\])?(?P<precision>\*|\d+)?)?(?P<third>\[[^\]]*\])?"
    r"(?P<verb>.)?",
    re.DOTALL,
)
_INTEGER, _FLOAT, _TEXT = "vbcdoOqxXU", "vbgGxXfFeE", "vxXsq"


class Mistake(ValueError):
    """The text would be too long, or is not to be had here."""


def sprintf(format: str, *values: Any) -> str:
    """The format with the values in place. Raises Mistake."""
    writer = _Writer(values)
    parts: list[str] = []
    length = at = 0
    while at < len(format):
        match = _DIRECTIVE.match(format, at) if format[at] == "%" else None
        if match is None:
            end = format.find("%", at)
            end = len(format) if end < 0 else end
            parts.append(format[at:end])
        else:
            end = match.end()
            parts.append(writer.directive(match))
        length += len(parts[-1])
        if length > MOST:
            raise Mistake(f"a formatted text may have {MOST} characters at most")
        at = end
    return "".join(parts) + writer.unused()


def text(value: Any) -> str:
    """What Go's `%v` makes of a value: `1e+06`, `true`, `<nil>`, `[1 2]`, `map[a:1]`."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case float():
            return number(value)
        case list() | tuple():
            return f"[{' '.join(map(text, value))}]"
        case dict():
            return f"map[{' '.join(f'{key}:{text(value[key])}' for key in sorted(value))}]"
    return str(value)


def number(value: float) -> str:
    """The shortest text of a float64 that reads back as the same: 0.5, 100000, 1e+06."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    shown = "".join(map(str, digits)).rstrip("0") or "0"
    power = exponent + len(digits) - 1 if any(digits) else 0
    minus = "-" if sign else ""
    if power < -4 or power >= 6:
        fraction = f".{shown[1:]}" if len(shown) > 1 else ""
        return f"{minus}{shown[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return minus + format(Decimal(int(shown)).scaleb(power - len(shown) + 1), "f")


@dataclass(frozen=True)
class _Layout:
    """One directive, without its argument."""

    flags: str
    width: int | None
    precision: int | None
    verb: str

    def pad(self, shown: str, *, zeros: bool = False) -> str:
        """The text in its width; zeros go behind the sign."""
        missing = (self.width or 0) - len(shown)
        if missing <= 0:
            return shown
        if "-" in self.flags:
            return shown + " " * missing
        if not (zeros and "0" in self.flags):
            return " " * missing + shown
        sign = shown[:1] if shown[:1] in ("-", "+", " ") else ""
        return sign + "0" * missing + shown[len(sign) :]


class _Writer:
    """Takes the arguments one after the other."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self._values = values
        self._next = 0
        self._reordered = False

    def directive(self, match: re.Match[str]) -> str:
        verb = match["verb"]
        faults: list[str] = []
        good = self._jump(match["first"])
        good &= match["first"] is None or match["width"] in (None, "*")
        width = self._size(match["width"], "WIDTH", faults)
        good &= match["dot"] is None or not match["first"] or match["width"] == "*"
        good &= self._jump(match["second"])
        good &= match["second"] is None or match["precision"] in (None, "*")
        precision = self._size(match["precision"], "PREC", faults) if match["dot"] else None
        if match["dot"] and match["precision"] is None:
            precision = 0
        good &= self._jump(match["third"])
        flags = match["flags"]
        if width is not None and width < 0:
            flags, width = flags + "-", -width
        if verb is None:
            return "".join(faults) + "%!(NOVERB)"
        if verb == "%":
            return "".join(faults) + "%"
        if not good:
            return "".join(faults) + f"%!{verb}(BADINDEX)"
        if self._next >= len(self._values):
            return "".join(faults) + f"%!{verb}(MISSING)"
        value = self._values[self._next]
        self._next += 1
        return "".join(faults) + _formatted(_Layout(flags, width, precision, verb), value)

    def unused(self) -> str:
        left = () if self._reordered else self._values[self._next :]
        if not left:
            return ""
        shown = (f"{_type(each)}={text(each)}" if each is not None else "<nil>" for each in left)
        return f"%!(EXTRA {', '.join(shown)})"

    def _jump(self, index: str | None) -> bool:
        """Go to the argument that `[n]` names. False: there is none."""
        if index is None:
            return True
        self._reordered = True
        inner = index[1:-1]
        if not re.fullmatch(r"[0-9]{1,9}", inner) or not 1 <= int(inner) <= len(self._values):
            return False
        self._next = int(inner) - 1
        return True

    def _size(self, given: str | None, what: str, faults: list[str]) -> int | None:
        """A width or a precision."""
        if given is None:
            return None
        if given == "*":
            value = self._values[self._next] if self._next < len(self._values) else None
            self._next += 1
            if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _WIDEST:
                value = None
            if value is None or (what == "PREC" and value < 0):
                faults.append(f"%!(BAD{what})")
                return None
            return value
        if len(given) > 7 or int(given) > _WIDEST:
            faults.append(f"%!(BAD{what})")
            return None
        return int(given)


def _formatted(layout: _Layout, value: Any) -> str:
    verb = layout.verb
    if verb == "v":  # its plus is about structures
        layout = replace(layout, flags=layout.flags.replace("+", ""))
    if verb == "p" or (verb == "v" and "#" in layout.flags):
        raise Mistake(f"%{'#' if verb == 'v' else ''}{verb} is not supported in a format")
    if verb == "T":
        return _string(replace(layout, verb="s"), _type(value))
    match value:
        case list() | tuple():
            return f"[{' '.join(_formatted(layout, each) for each in value)}]"
        case dict():
            pairs = sorted(value.items())
            shown = (f"{_formatted(layout, k)}:{_formatted(layout, v)}" for k, v in pairs)
            return f"map[{' '.join(shown)}]"
    return _scalar(layout, value)


def _scalar(layout: _Layout, value: Any) -> str:
    verb = layout.verb
    if value is None:
        return layout.pad("<nil>", zeros=True) if verb == "v" else f"%!{verb}(<nil>)"
    match value:
        case bool() if verb in "vt":
            return layout.pad(text(value), zeros=True)
        case int() if not isinstance(value, bool) and verb in _INTEGER:
            return _integer(layout, value)
        case float() if verb in _FLOAT:
            return _float(layout, value)
        case str() if verb in _TEXT:
            return _string(layout, value)
    plain = replace(layout, verb="v", flags=layout.flags.replace("#", ""))
    return f"%!{verb}({_type(value)}={_formatted(plain, value)})"


def _integer(layout: _Layout, value: int) -> str:
    verb = layout.verb
    if verb in "cqU":
        return _character(layout, value)
    if layout.precision == 0 and value == 0:
        return " " * (layout.width or 0)
    base = {"b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}.get(verb, "d")
    digits = format(abs(value), base)
    if layout.precision is not None:
        digits = digits.zfill(layout.precision)
    prefix = ""
    if verb == "O" or ("#" in layout.flags and verb in "bxX"):
        prefix = {"O": "0o", "b": "0b", "x": "0x", "X": "0X"}[verb]
    elif "#" in layout.flags and verb == "o" and not digits.startswith("0"):
        prefix = "0"
    sign = "-" if value < 0 else "+" if "+" in layout.flags else " " if " " in layout.flags else ""
    if "0" in layout.flags and "-" not in layout.flags and layout.precision is None:
        digits = digits.zfill((layout.width or 0) - len(sign))
    return layout.pad(sign + prefix + digits)


def _character(layout: _Layout, value: int) -> str:
    if layout.verb == "U":
        return layout.pad(f"U+{value:04X}" if value >= 0 else "U+FFFFFFFFFFFFFFFF")
    known = 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF
    char = chr(value) if known else "\ufffd"
    if layout.verb == "c":
        return layout.pad(char)
    quoted = {"'": "\\'", '"': '"'}.get(char) or quote(char)[1:-1]
    return layout.pad(f"'{quoted}'")


def _float(layout: _Layout, value: float) -> str:
    verb = "g" if layout.verb == "v" else layout.verb
    if verb in "bxX":
        raise Mistake(f"%{verb} of a float is not supported in a format")
    sign = "+" if "+" in layout.flags else " " if " " in layout.flags else ""
    if not math.isfinite(value):
        return layout.pad(number(value))
    if verb in "gG" and layout.precision is None and "#" not in layout.flags:
        shown = number(value)
    else:
        places = 6 if layout.precision is None else layout.precision
        sharp = "#" if "#" in layout.flags else ""
        shown = format(value, f"{sharp}.{places}{verb}")
    if verb in "EG":
        shown = shown.upper()
    if sign and not shown.startswith("-"):
        shown = sign + shown
    return layout.pad(shown, zeros=True)


def _string(layout: _Layout, value: str) -> str:
    verb = layout.verb
    if verb in "xX":
        raw = value.encode("utf-8", "surrogatepass")[: layout.precision]
        shown = raw.hex(" ") if " " in layout.flags else raw.hex()
        return layout.pad(shown.upper() if verb == "X" else shown)
    shown = value if layout.precision is None else value[: layout.precision]
    if verb == "q":
        raw_allowed = "#" in layout.flags and "`" not in shown and shown.isprintable()
        shown = f"`{shown}`" if raw_allowed else quote(shown, ascii="+" in layout.flags)
    return layout.pad(shown, zeros=True)


_ESCAPES = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    "\\": "\\\\", '"': '\\"',
}  # fmt: skip


def quote(value: str, *, ascii: bool = False) -> str:
    """A text as strconv.Quote writes it, in double quotes."""
    return '"' + "".join(_quoted(char, ascii) for char in value) + '"'


def _quoted(char: str, ascii: bool) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    if char.isprintable() and not (ascii and code > 126):
        return char
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_TYPES: dict[type, str] = {
    type(None): "<nil>", bool: "bool", int: "int", float: "float64", str: "string",
    list: "[]interface {}", tuple: "[]interface {}", dict: "map[string]interface {}",
}  # fmt: skip


def _type(value: Any) -> str:
    return _TYPES.get(type(value), type(value).__name__)
