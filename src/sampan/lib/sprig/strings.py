"""Functions on texts. The text comes last, so that a pipe can bring it in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sampan.lib import printf
from sampan.lib.sprig import casts
from sampan.lib.sprig.faults import Mistake

MOST = 10_000_000
"""Characters of a text that a function makes."""


def _bounded(size: int) -> None:
    if size > MOST:
        raise Mistake(f"a text may have {MOST} characters at most")


def abbreviated(left: int, width: int, text: str) -> str:
    """The text cut to a width, with dots where something is missing."""
    if len(text) <= width:
        return text
    offset = min(left, len(text))
    offset = min(offset, len(text) - (width - 3)) if len(text) - offset < width - 3 else offset
    if offset <= 4:
        return text[: width - 3] + "..."
    if offset + width - 3 < len(text):
        return "..." + _abbrev(width - 3, text[offset:])
    return "..." + text[len(text) - (width - 3) :]


def _abbrev(width: int, text: str) -> str:
    return text if width < 4 else abbreviated(0, width, text)


def _abbrev_both(left: int, right: int, text: str) -> str:
    if right < 4 or (left > 0 and right < 7):
        return text
    return abbreviated(left, right, text)


def _trunc(count: int, text: str) -> str:
    if count < 0:
        return text[count:] if len(text) + count > 0 else text
    return text[:count]


def _substr(start: int, end: int, text: str) -> str:
    if start < 0:
        return text[: max(end, 0)]
    if end < 0 or end > len(text):
        return text[start:]
    return text[start:end]


def _repeat(count: int, text: str) -> str:
    if count < 0:
        raise Mistake("strings: negative Repeat count")
    _bounded(count * len(text))
    return text * count


def _replace(old: str, new: str, text: str) -> str:
    _bounded(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _title(text: str) -> str:
    return re.sub(r"(?<![\w'])[^\W\d_]", lambda found: found[0].upper(), text)


def _untitle(text: str) -> str:
    return re.sub(r"(?<!\S)\S", lambda found: found[0].lower(), text)


def _words(text: str) -> list[str]:
    """The words of snake, kebab and camel case."""
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", text)
    text = re.sub(r"([A-Za-z])([0-9])", r"\1 \2", text)
    return re.split(r"[ _\-]+", text)


def _camel(text: str) -> str:
    parts = re.split(r"([ _\-]+)", text)
    made = [
        part[:1].upper() + (part[1:].lower() if part.isupper() else part[1:])
        for part in parts[::2]
        if part
    ]
    lead = "_" if parts[0] == "" and len(parts) > 1 and parts[1].startswith("_") else ""
    tail = "_" if parts[-1] == "" and len(parts) > 1 and parts[-2].endswith("_") else ""
    return lead + "".join(made) + tail


def _wrapped(width: int, text: str, line: str = "\n", *, long_words: bool = False) -> str:
    """Lines of the width; a word that is longer is cut only with `long_words`."""
    width, line = max(width, 1), line or "\n"
    _bounded(len(text) + len(text) // width * len(line))
    parts: list[str] = []
    at = 0
    while len(text) - at > width:
        if text[at] == " ":
            at += 1
            continue
        blank = text.rfind(" ", at, at + width + 1)
        if blank < 0:
            blank = at + width if long_words else text.find(" ", at + width)
            if blank < 0:
                break
            parts.append(text[at:blank])
            at = blank + (0 if long_words else 1)
        else:
            parts.append(text[at:blank])
            at = blank + 1
    return line.join([*parts, text[at:]])


def _indent(count: int, text: str) -> str:
    _bounded(len(text) + (text.count("\n") + 1) * max(count, 0))
    pad = " " * count
    return pad + text.replace("\n", "\n" + pad)


def _numbered(parts: list[str]) -> dict[str, str]:
    return {f"_{number}": part for number, part in enumerate(parts)}


def _split(by: str, text: str, most: int = -1) -> list[str]:
    if most == 0:
        return []
    if not by:
        parts = list(text)
        return parts if most < 0 else [*parts[: most - 1], "".join(parts[most - 1 :])]
    return text.split(by, most - 1 if most > 0 else -1)


def _join(by: str, parts: Any) -> str:
    made = casts.texts(parts)
    _bounded(sum(map(len, made)) + len(by) * len(made))
    return by.join(made)


def _cat(*values: Any) -> str:
    return " ".join(casts.text(value) for value in values if value is not None).strip()


FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "abbrev": ("is", _abbrev),
    "abbrevboth": ("iis", _abbrev_both),
    "trunc": ("is", _trunc),
    "trim": ("s", str.strip),
    "upper": ("s", str.upper),
    "lower": ("s", str.lower),
    "title": ("s", _title),
    "untitle": ("s", _untitle),
    "substr": ("iis", _substr),
    "repeat": ("is", _repeat),
    "trimall": ("ss", lambda chars, text: text.strip(chars) if chars else text),
    "trimAll": ("ss", lambda chars, text: text.strip(chars) if chars else text),
    "trimSuffix": ("ss", lambda part, text: text.removesuffix(part)),
    "trimPrefix": ("ss", lambda part, text: text.removeprefix(part)),
    "nospace": ("s", lambda text: re.sub(r"\s+", "", text)),
    "initials": ("s", lambda text: "".join(word[0] for word in text.split())),
    "swapcase": ("s", str.swapcase),
    "snakecase": ("s", lambda text: "_".join(_words(text)).lower()),
    "kebabcase": ("s", lambda text: "-".join(_words(text)).lower()),
    "camelcase": ("s", _camel),
    "wrap": ("is", _wrapped),
    "wrapWith": ("iss", lambda width, by, text: _wrapped(width, text, by, long_words=True)),
    "contains": ("ss", lambda part, text: part in text),
    "hasPrefix": ("ss", lambda part, text: text.startswith(part)),
    "hasSuffix": ("ss", lambda part, text: text.endswith(part)),
    "quote": (
        "?a+",
        lambda *all: " ".join(printf.quote(casts.text(one)) for one in all if one is not None),
    ),
    "squote": (
        "?a+",
        lambda *all: " ".join(f"'{casts.text(one)}'" for one in all if one is not None),
    ),
    "cat": ("?a+", _cat),
    "indent": ("is", _indent),
    "nindent": ("is", lambda count, text: "\n" + _indent(count, text)),
    "replace": ("sss", _replace),
    "plural": ("ssi", lambda one, many, count: one if count == 1 else many),
    "toString": ("a", casts.text),
    "toStrings": ("a", casts.texts),
    "split": ("ss", lambda by, text: _numbered(_split(by, text))),
    "splitn": ("sis", lambda by, most, text: _numbered(_split(by, text, most))),
    "splitList": ("ss", _split),
    "join": ("sa", _join),
}
