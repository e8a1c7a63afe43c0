"""The values that only Kubernetes' functions make: quantities, addresses, URLs, versions, formats.

Upstream: k8s.io/apiserver pkg/cel/{quantity,ip,cidr,url,semver,format}.go.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from fractions import Fraction
from functools import total_ordering
from typing import Any
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from sampan.kube import quantities
from sampan.lib.cel.faults import EvaluationError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Interface | ipaddress.IPv6Interface

_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
)
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")


@total_ordering
class Quantity:
    cel_type = "kubernetes.Quantity"
    __slots__ = ("amount",)

    def __init__(self, amount: Fraction) -> None:
        self.amount = amount

    @classmethod
    def of(cls, text: str) -> Quantity:
        try:
            return cls(quantities.parse(text))
        except ValueError as error:
            raise EvaluationError(str(error)) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount == other.amount

    def __lt__(self, other: Quantity) -> bool:
        return self.amount < other.amount

    __hash__ = None  # type: ignore[assignment]

    def plus(self, other: Any, sign: int = 1) -> Quantity:
        return Quantity(
            self.amount + sign * (other.amount if isinstance(other, Quantity) else other)
        )

    def whole(self) -> int:
        if self.amount.denominator != 1 or abs(self.amount) >= 2**63:
            raise EvaluationError("cannot convert value to integer")
        return int(self.amount)

    @property
    def is_whole(self) -> bool:
        return self.amount.denominator == 1 and abs(self.amount) < 2**63


class Ip:
    cel_type = "net.IP"
    __slots__ = ("address",)

    def __init__(self, address: Address) -> None:
        self.address = address

    @classmethod
    def of(cls, text: str) -> Ip:
        try:
            found = ipaddress.ip_address(text)
        except ValueError:
            raise EvaluationError(f"IP Address '{text}' parse error during conversion") from None
        if getattr(found, "ipv4_mapped", None) or getattr(found, "scope_id", None):
            raise EvaluationError("IPv4-mapped IPv6 addresses and zones are not allowed")
        return cls(found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ip) and self.address == other.address

    __hash__ = None  # type: ignore[assignment]

    def cel_text(self) -> str:
        return str(self.address)

    @property
    def is_global(self) -> bool:
        """As Go sees it: private addresses are global, too."""
        one = self.address
        return not (
            one.is_unspecified or one.is_loopback or one.is_multicast or one.is_link_local
            or str(one) == "255.255.255.255"
        )  # fmt: skip


class Cidr:
    cel_type = "net.CIDR"
    __slots__ = ("interface",)

    def __init__(self, interface: Network) -> None:
        self.interface = interface

    @classmethod
    def of(cls, text: str) -> Cidr:
        try:
            if not re.fullmatch(r"[^/%]+/\d{1,3}", text):
                raise ValueError("no prefix")
            return cls(ipaddress.ip_interface(text))
        except ValueError:
            raise EvaluationError(f"network address parse error: {text}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cidr) and self.interface == other.interface

    __hash__ = None  # type: ignore[assignment]

    def cel_text(self) -> str:
        return str(self.interface)

    def has_ip(self, other: Any) -> bool:
        return (other if isinstance(other, Ip) else Ip.of(other)).address in self.interface.network

    def has_cidr(self, other: Any) -> bool:
        found = other if isinstance(other, Cidr) else Cidr.of(other)
        mine, its = self.interface.network, found.interface.network
        return mine.version == its.version and its.subnet_of(mine)  # type: ignore[arg-type]


class Url:
    cel_type = "kubernetes.URL"
    __slots__ = ("parts",)

    def __init__(self, parts: SplitResult) -> None:
        self.parts = parts

    @classmethod
    def of(cls, text: str) -> Url:
        """Absolute URLs and absolute paths, as Go's url.ParseRequestURI takes."""
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            parts = None
        if (
            parts is None
            or not (parts.scheme or text.startswith("/"))
            or re.search(r"[\x00-\x1f\x7f]", text)
            or not _HOST.fullmatch(parts.hostname or "")
        ):
            raise EvaluationError(f'URL parse error during conversion from string: parse "{text}"')
        return cls(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Url) and self.parts == other.parts

    __hash__ = None  # type: ignore[assignment]

    @property
    def host(self) -> str:
        return self.parts.netloc.rpartition("@")[2]

    @property
    def hostname(self) -> str:
        host = self.host
        return host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]

    @property
    def port(self) -> str:
        return self.host.rpartition("]")[2].partition(":")[2]

    @property
    def path(self) -> str:
        """Escaped, where it was not."""
        return quote(self.parts.path, safe="/%:@!$&'()*+,;=~-._")

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.parts.query, keep_blank_values=True)


@total_ordering
class Semver:
    """`order` compares as semver.org says: numbers before words, no suffix last."""

    cel_type = "kubernetes.Semver"
    __slots__ = ("numbers", "order")

    def __init__(self, numbers: tuple[int, ...], suffix: str) -> None:
        self.numbers = numbers
        parts = [
            (0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in (suffix.split(".") if suffix else ())
        ]
        self.order = (numbers, not suffix, parts)

    @classmethod
    def of(cls, text: str, normalize: bool = False) -> Semver:
        match = _SEMVER.fullmatch(_normalized(text) if normalize else text)
        if match is None:
            raise EvaluationError(f"semver parse error: {text}")
        return cls(tuple(int(match[n]) for n in (1, 2, 3)), match[4] or "")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self.order == other.order

    def __lt__(self, other: Semver) -> bool:
        return self.order < other.order

    __hash__ = None  # type: ignore[assignment]


def _normalized(text: str) -> str:
    """`v1.02` is 1.2.0."""
    core, sign, rest = re.fullmatch(
        r"([^-+]*)([-+]?)(.*)", text.removeprefix("v"), re.DOTALL
    ).groups()  # type: ignore[union-attr]
    numbers = [part.lstrip("0") or "0" for part in core.split(".")]
    return ".".join([*numbers, "0", "0"][: max(3, len(numbers))]) + sign + rest


class Format:
    """A named format; `test` answers with what is wrong."""

    cel_type = "kubernetes.NamedFormat"
    __slots__ = ("name", "test")

    def __init__(self, name: str, test: Callable[[str], str | None]) -> None:
        self.name = name
        self.test = test

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Format) and self.name == other.name

    __hash__ = None  # type: ignore[assignment]
