"""Kubernetes' own functions, on top of the language's.

Upstream: k8s.io/apiserver pkg/cel/library.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from sampan.apiserver.expressions.authorizing import AUTHORIZER
from sampan.apiserver.expressions.values import Cidr, Format, Ip, Quantity, Semver, Url
from sampan.apiserver.schemas import formats as shapes
from sampan.kube import formats
from sampan.lib.cel.environment import combined, standard_functions
from sampan.lib.cel.faults import EvaluationError
from sampan.lib.cel.standard import to_string
from sampan.lib.cel.types import Function, Key, declare
from sampan.lib.cel.values import NONE, Optional
from sampan.lib.regex.patterns import LONG, PatternError, compiled, translate


@cache
def functions() -> dict[Key, Function]:
    """Everything that an expression may call."""
    return combined(standard_functions(), declare([*_ROWS, *AUTHORIZER]))


def _readable(of: Callable[[str], Any]) -> Callable[..., bool]:
    def test(*given: Any) -> bool:
        try:
            of(*given)
        except EvaluationError:
            return False
        return True

    return test


def _found(text: str, pattern: str) -> list[str]:
    try:
        known = compiled(pattern)
    except PatternError as error:
        raise EvaluationError(str(error)) from None
    if known.risky or len(text) > LONG:
        raise EvaluationError("find cannot be used with this pattern on a text of this length")
    return [match[0] for match in re.finditer(translate(pattern), text, re.ASCII)]


def _find(text: str, pattern: str) -> str:
    return next(iter(_found(text, pattern)), "")


def _find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    found = _found(text, pattern)
    return found if most < 0 else found[:most]


def _compare(left: Any, right: Any) -> int:
    return int(right < left) - int(left < right)


def _is_canonical(text: str) -> bool:
    return str(Ip.of(text).address) == text


def _shape(name: str) -> Callable[[str], str | None]:
    test = shapes.TESTS[name]
    return lambda text: None if test(text) else f"invalid {name}"


def _prefix(test: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """A prefix of a name may end with a dash."""
    return lambda text: test(text[:-1] + "a" if text.endswith("-") else text)


def _relative(text: str) -> str | None:
    return None if _readable(Url.of)(text) or text.startswith("?") else "invalid uri"


def _dns_1035(text: str) -> str | None:
    if re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", text):
        return None
    return (
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an"
        " alphabetic character, and end with an alphanumeric character"
    )


_FORMATS: dict[str, Callable[[str], str | None]] = {
    "dns1123Label": formats.dns_label,
    "dns1123Subdomain": formats.dns_subdomain,
    "dns1035Label": _dns_1035,
    "qualifiedName": formats.label_key,
    "labelValue": formats.label_value,
    "uri": _relative,
    "uuid": _shape("uuid"),
    "byte": _shape("byte"),
    "date": _shape("date"),
    "datetime": _shape("date-time"),
}
_FORMATS |= {
    f"{name}Prefix": _prefix(_FORMATS[name])
    for name in ("dns1123Label", "dns1123Subdomain", "dns1035Label")
}


def _named(name: str) -> Optional:
    test = _FORMATS.get(name)
    return NONE if test is None else Optional(Format(name, test))


def _validate(format_: Format, text: str) -> Optional:
    fault = format_.test(text)
    return NONE if fault is None else Optional([fault])


def _format(name: str) -> Callable[[], Format]:
    return lambda: Format(name, _FORMATS[name])


def _of_ip(test: Callable[[Any], bool]) -> Callable[[Ip], bool]:
    return lambda ip: test(ip.address)


_Q, _V, _URL, _IP, _CIDR = (
    Quantity.cel_type,
    Semver.cel_type,
    Url.cel_type,
    Ip.cel_type,
    Cidr.cel_type,
)
_F = Format.cel_type
_ROWS: list[tuple[Any, ...]] = [
    ("quantity", Quantity.of, f"string -> {_Q}"),
    ("isQuantity", _readable(Quantity.of), "string -> bool"),
    ("isInteger", lambda q: q.is_whole, f"{_Q} . -> bool"),
    ("asInteger", Quantity.whole, f"{_Q} . -> int"),
    ("asApproximateFloat", lambda q: float(q.amount), f"{_Q} . -> double"),
    ("sign", lambda q: (q.amount > 0) - (q.amount < 0), f"{_Q} . -> int"),
    ("add", Quantity.plus, f"{_Q} . {_Q} -> {_Q}", f"{_Q} . int -> {_Q}"),
    ("sub", lambda q, other: q.plus(other, -1), f"{_Q} . {_Q} -> {_Q}", f"{_Q} . int -> {_Q}"),
    ("isGreaterThan", lambda a, b: b < a, f"{_Q} . {_Q} -> bool", f"{_V} . {_V} -> bool"),
    ("isLessThan", lambda a, b: a < b, f"{_Q} . {_Q} -> bool", f"{_V} . {_V} -> bool"),
    ("compareTo", _compare, f"{_Q} . {_Q} -> int", f"{_V} . {_V} -> int"),
    ("semver", Semver.of, f"string -> {_V}", f"string, bool -> {_V}"),
    ("isSemver", _readable(Semver.of), "string -> bool", "string, bool -> bool"),
    *((name, lambda v, at=at: v.numbers[at], f"{_V} . -> int")
      for at, name in enumerate(("major", "minor", "patch"))),
    ("ip", Ip.of, f"string -> {_IP}"),
    ("ip", lambda cidr: Ip(cidr.interface.ip), f"{_CIDR} . -> {_IP}"),
    ("isIP", _readable(Ip.of), "string -> bool"),
    ("ip.isCanonical", _is_canonical, "string -> bool"),
    ("family", lambda ip: ip.address.version, f"{_IP} . -> int"),
    ("isUnspecified", _of_ip(lambda ip: ip.is_unspecified), f"{_IP} . -> bool"),
    ("isLoopback", _of_ip(lambda ip: ip.is_loopback), f"{_IP} . -> bool"),
    ("isLinkLocalMulticast", _of_ip(lambda ip: str(ip).startswith(("224.0.0.", "ff02:"))),
     f"{_IP} . -> bool"),
    ("isLinkLocalUnicast", _of_ip(lambda ip: ip.is_link_local), f"{_IP} . -> bool"),
    ("isGlobalUnicast", lambda ip: ip.is_global, f"{_IP} . -> bool"),
    ("cidr", Cidr.of, f"string -> {_CIDR}"),
    ("isCIDR", _readable(Cidr.of), "string -> bool"),
    ("containsIP", Cidr.has_ip, f"{_CIDR} . {_IP} -> bool", f"{_CIDR} . string -> bool"),
    ("containsCIDR", Cidr.has_cidr, f"{_CIDR} . {_CIDR} -> bool", f"{_CIDR} . string -> bool"),
    ("masked", lambda cidr: Cidr.of(str(cidr.interface.network)), f"{_CIDR} . -> {_CIDR}"),
    ("prefixLength", lambda cidr: cidr.interface.network.prefixlen, f"{_CIDR} . -> int"),
    ("string", to_string, f"{_IP} -> string", f"{_CIDR} -> string"),
    ("url", Url.of, f"string -> {_URL}"),
    ("isURL", _readable(Url.of), "string -> bool"),
    ("getScheme", lambda url: url.parts.scheme, f"{_URL} . -> string"),
    ("getHost", lambda url: url.host, f"{_URL} . -> string"),
    ("getHostname", lambda url: url.hostname, f"{_URL} . -> string"),
    ("getPort", lambda url: url.port, f"{_URL} . -> string"),
    ("getEscapedPath", lambda url: url.path, f"{_URL} . -> string"),
    ("getQuery", lambda url: url.query, f"{_URL} . -> map(string, list(string))"),
    ("find", _find, "string . string -> string"),
    ("findAll", _find_all, "string . string -> list(string)",
     "string . string, int -> list(string)"),
    ("format.named", _named, f"string -> optional({_F})"),
    *((f"format.{name}", _format(name), f"-> {_F}") for name in _FORMATS),
    ("validate", _validate, f"{_F} . string -> optional(list(string))"),
    ("jsonpatch.escapeKey", lambda key: key.replace("~", "~0").replace("/", "~1"),
     "string -> string"),
]  # fmt: skip
