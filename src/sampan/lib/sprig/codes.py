"""Encodings, checksums, paths, addresses and patterns."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import posixpath
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.texts import to_json
from sampan.lib.regex.patterns import PatternError, compiled
from sampan.lib.sprig.faults import Mistake

MOST = 10_000_000
"""Characters of a text that a function makes."""
_UNESCAPED = {"\\u003c": "<", "\\u003e": ">", "\\u0026": "&"}


def _decoder(way: Callable[[str], bytes], name: str) -> Callable[[str], str]:
    """What is no such code is answered with a message, as upstream does."""

    def run(text: str) -> str:
        try:
            return way(text.replace("\n", "").replace("\r", "")).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return f"illegal {name} data at input byte 0"

    return run


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_int=float, parse_constant=_refused)
    except (ValueError, RecursionError) as wrong:
        raise Mistake(f"invalid JSON: {wrong}") from None


def _refused(name: str) -> Any:
    raise ValueError(f"invalid character '{name[0]}'")


def _forgiving(way: Callable[..., Any], otherwise: Any) -> Callable[..., Any]:
    def run(*given: Any) -> Any:
        try:
            return way(*given)
        except (Mistake, Fault):
            return otherwise

    return run


def _raw(value: Any) -> str:
    return re.sub(r"\\u00(?:3c|3e|26)", lambda found: _UNESCAPED[found[0]], to_json(value))


def _clean(path: str) -> str:
    made = posixpath.normpath(path) if path else "."
    return made[1:] if made.startswith("//") else made


def _base(path: str) -> str:
    if not path:
        return "."
    return posixpath.basename(path.rstrip("/")) or "/"


def _extension(path: str) -> str:
    _, dot, extension = path.rpartition("/")[2].rpartition(".")
    return dot + extension if dot else ""


# Addresses.


def _url_parts(text: str) -> dict[str, str]:
    try:
        parts = urlsplit(text)
        hostname, _ = parts.hostname or "", parts.port
    except ValueError as wrong:
        raise Mistake(f"unable to parse url: {wrong}") from None
    userinfo, _, host = parts.netloc.rpartition("@")
    opaque = bool(parts.scheme) and not parts.netloc and not parts.path.startswith("/")
    return {
        "scheme": parts.scheme,
        "host": host,
        "hostname": hostname,
        "path": "" if opaque else parts.path,
        "query": parts.query,
        "opaque": parts.path if opaque else "",
        "fragment": parts.fragment,
        "userinfo": userinfo,
    }


def _url_join(parts: Mapping[str, Any]) -> str:
    got: dict[str, str] = {}
    for key in ("scheme", "host", "path", "query", "opaque", "fragment", "userinfo"):
        value = parts.get(key, "")
        if not isinstance(value, str):
            raise Mistake(f"unable to parse {key} key, must be of type string")
        got[key] = value
    made = f"{got['scheme']}:" if got["scheme"] else ""
    if got["opaque"]:
        made += got["opaque"]
    else:
        if got["scheme"] or got["host"] or got["userinfo"]:
            made += "//" if got["host"] or got["userinfo"] else ""
            made += f"{got['userinfo']}@" if got["userinfo"] else ""
            made += got["host"]
        path = quote(got["path"], safe="/:@!$&'()*+,;=~-._")
        made += f"/{path}" if path and got["host"] and not path.startswith("/") else path
    made += f"?{got['query']}" if got["query"] else ""
    return made + (f"#{got['fragment']}" if got["fragment"] else "")


# Patterns.


def _matcher(pattern: str, text: str) -> re.Pattern[str]:
    try:
        found = compiled(pattern).matcher(text)
    except PatternError as wrong:
        raise Mistake(str(wrong)) from None
    if found is None:
        raise Mistake(f"the pattern could run away here: `{pattern}`")
    return found


def _matches(pattern: str, text: str) -> bool:
    try:
        found = compiled(pattern).search(text)
    except PatternError as wrong:
        raise Mistake(str(wrong)) from None
    if found is None:
        raise Mistake(f"the text is too long for the pattern `{pattern}`")
    return found


def _find_all(pattern: str, text: str, most: int) -> list[str]:
    found = [match[0] for match in _matcher(pattern, text).finditer(text)]
    return found if most < 0 else found[:most]


def _find(pattern: str, text: str) -> str:
    match = _matcher(pattern, text).search(text)
    return match[0] if match else ""


def _replaced(pattern: str, text: str, new: str) -> str:
    """`$1` and `${name}` stand for groups."""
    left = [MOST]

    def put(match: re.Match[str]) -> str:
        made = re.sub(
            r"\$(?:\$|(\w+)|\{(\w+)\})", lambda found: _group(match, found), new, flags=re.ASCII
        )
        left[0] -= len(made)
        if left[0] < 0:
            raise Mistake(f"a text may have {MOST} characters at most")
        return made

    return _matcher(pattern, text).sub(put, text)


def _group(match: re.Match[str], found: re.Match[str]) -> str:
    if found[0] == "$$":
        return "$"
    name = found[1] or found[2]
    try:
        return match[int(name) if name.isdigit() else name] or ""
    except (IndexError, ValueError):
        return ""


def _replaced_literally(pattern: str, text: str, new: str) -> str:
    return _replaced(pattern, text, new.replace("$", "$$"))


def _split(pattern: str, text: str, most: int) -> list[str]:
    if most == 0:
        return []
    parts: list[str] = []
    at = 0
    for match in _matcher(pattern, text).finditer(text):
        if 0 < most <= len(parts) + 1:
            break
        if match.end() == 0 or (match.start() == match.end() == len(text)):
            continue
        parts.append(text[at : match.start()])
        at = match.end()
    return [*parts, text[at:]]


_JSON: dict[str, tuple[str, Callable[..., Any]]] = {
    "toJson": ("a", to_json),
    "toPrettyJson": ("a", lambda value: to_json(value, "  ")),
    "toRawJson": ("a", _raw),
}
_REGEX: dict[str, tuple[str, Callable[..., Any]]] = {
    "egexFindAll": ("ssi", _find_all),
    "egexFind": ("ss", _find),
    "egexReplaceAll": ("sss", _replaced),
    "egexReplaceAllLiteral": ("sss", _replaced_literally),
    "egexSplit": ("ssi", _split),
}


def _summed(kind: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(kind, text.encode()).hexdigest()


FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "b64enc": ("s", lambda text: base64.b64encode(text.encode()).decode()),
    "b64dec": ("s", _decoder(lambda text: base64.b64decode(text, validate=True), "base64")),
    "b32enc": ("s", lambda text: base64.b32encode(text.encode()).decode()),
    "b32dec": ("s", _decoder(base64.b32decode, "base32")),
    "sha1sum": ("s", _summed("sha1")),
    "sha256sum": ("s", _summed("sha256")),
    "sha512sum": ("s", _summed("sha512")),
    "adler32sum": ("s", lambda text: str(zlib.adler32(text.encode()))),
    "fromJson": ("s", _forgiving(_parsed, None)),
    "mustFromJson": ("s", _parsed),
    **{name: (takes, _forgiving(way, "")) for name, (takes, way) in _JSON.items()},
    **{f"must{name[0].upper()}{name[1:]}": one for name, one in _JSON.items()},
    "base": ("s", _base),
    "dir": ("s", lambda path: _clean(path[: path.rfind("/") + 1])),
    "clean": ("s", _clean),
    "ext": ("s", _extension),
    "isAbs": ("s", lambda path: path.startswith("/")),
    "osBase": ("s", _base),
    "osDir": ("s", lambda path: _clean(path[: path.rfind("/") + 1])),
    "osClean": ("s", _clean),
    "osExt": ("s", _extension),
    "osIsAbs": ("s", lambda path: path.startswith("/")),
    "urlParse": ("s", _url_parts),
    "urlJoin": ("m", _url_join),
    "regexMatch": ("ss", _forgiving(_matches, False)),
    "mustRegexMatch": ("ss", _matches),
    **{f"r{name}": one for name, one in _REGEX.items()},
    **{f"mustR{name}": one for name, one in _REGEX.items()},
    "regexQuoteMeta": ("s", lambda text: re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)),
}
