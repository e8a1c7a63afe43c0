"""sprig v3.3.0: the function library of Helm's templates, to be called from expressions.

`FUNCTIONS` are all generic functions that need nothing but their arguments; `functions` adds what
the caller has to give: the present, and a seed for what is drawn by chance. A function that takes
what it should not, or that is none for this place (keys and certificates, the environment, names of
hosts), raises `Mistake`. Results are bounded in size. As everywhere in Go's templates, the thing a
function works on comes last: `sprig.replace("a", "b", text)`.
This package knows no Kubernetes, reads no clock and opens no file.
Upstream: github.com/Masterminds/sprig, functions.go.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.signatures import checked
from sampan.lib.sprig import chance, codes, collections, dates, numbers, strings, versions
from sampan.lib.sprig.faults import Mistake

__all__ = ["FUNCTIONS", "Mistake", "functions"]

_FORBIDDEN = (
    "env", "expandenv", "getHostByName", "bcrypt", "htpasswd", "genPrivateKey", "derivePassword",
    "buildCustomCert", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
    "genSignedCert", "genSignedCertWithKey", "encryptAES", "decryptAES",
)  # fmt: skip

Table = Mapping[str, tuple[str, Callable[..., Any]]]


def _fail(message: str) -> Any:
    raise Mistake(message)


def _forbidden(name: str) -> Callable[..., Any]:
    def refuse(*given: Any) -> Any:
        raise Mistake(f"sprig.{name} is not supported")

    return refuse


def _ready(name: str, takes: str, function: Callable[..., Any]) -> Callable[..., Any]:
    run = checked(f"sprig.{name}", takes, function)

    def call(*given: Any) -> Any:
        try:
            return run(*given)
        except (Fault, ValueError, TypeError, OverflowError, RecursionError) as wrong:
            raise Mistake(str(wrong)) from None

    return call


def _table(table: Table) -> dict[str, Callable[..., Any]]:
    return {name: _ready(name, takes, function) for name, (takes, function) in table.items()}


_OTHER: Table = {
    "hello": ("", lambda: "Hello!"),
    "fail": ("s", _fail),
    "semver": ("s", versions.Version),
    "semverCompare": ("ss", versions.compare),
}

_SHARED: dict[str, Callable[..., Any]] = {
    **_table(strings.FUNCTIONS),
    **_table(numbers.FUNCTIONS),
    **_table(collections.FUNCTIONS),
    **_table(codes.FUNCTIONS),
    **_table(dates.functions()),
    **_table(chance.functions()),
    **_table(_OTHER),
    **{name: _forbidden(name) for name in _FORBIDDEN},
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(_SHARED)
"""Name to function."""


def functions(now: datetime, seed: str) -> Mapping[str, Callable[..., Any]]:
    """All functions, those of time and chance, too: the same for the same moment and seed."""
    own = {**_table(dates.functions(lambda: now)), **_table(chance.functions(seed))}
    return ChainMap(own, _SHARED)
