"""Functions of numbers: mathematics in float64, as Go's math package has it, and times."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from sampan.lib.clock import SystemClock
from sampan.lib.jq import times
from sampan.lib.jq.functions import Function, because, wrong
from sampan.lib.jq.values import Machine, as_float, as_int, is_number


def _floats(name: str, of: Callable[..., float], *, of_arguments: bool = False) -> Function:
    """A function of floats; `of_arguments`: of its arguments rather than its input."""

    def function(machine: Machine, value: Any, *arguments: Any) -> float:
        given = arguments if of_arguments else (value,)
        for each in given:
            if not is_number(each):
                raise wrong(machine, name, each)
        try:
            return float(of(*map(as_float, given)))
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return function


def _float(machine: Machine, name: str, value: Any) -> float:
    if not is_number(value):
        raise wrong(machine, name, value)
    return as_float(value)


def _rounded(value: float) -> float:
    """Halves away from zero, as Go."""
    if not math.isfinite(value):
        return value
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _log(of: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: -math.inf if value == 0 else math.inf if value == math.inf else of(value)


def _whole(of: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: of(value) if math.isfinite(value) else value


def _time(name: str, of: Callable[..., Any]) -> Function:
    def function(machine: Machine, value: Any, *arguments: Any) -> Any:
        try:
            return of(value, *arguments)
        except TypeError:
            raise wrong(machine, name, value, *arguments) from None
        except ValueError as why:
            raise because(machine, name, value, why, *arguments) from None

    return function


def _gmtime(value: Any) -> list[Any]:
    if not is_number(value):
        raise TypeError
    return times.broken_down(value)


def _mktime(value: Any) -> float:
    if not isinstance(value, list):
        raise TypeError
    return times.seconds_of(times.moment_of(value))


def _strftime(value: Any, format: Any) -> str:
    parts = times.broken_down(value) if is_number(value) else value
    if not isinstance(parts, list) or not isinstance(format, str):
        raise TypeError
    return times.write(times.moment_of(parts), format)


def _strptime(value: Any, format: Any) -> list[Any]:
    if not isinstance(value, str) or not isinstance(format, str):
        raise TypeError
    return times.broken_down(times.seconds_of(times.read(value, format)))


def _is_nan(machine: Machine, value: Any) -> bool:
    if value is not None and not is_number(value):
        raise wrong(machine, "isnan", value)
    return value is not None and math.isnan(as_float(value))


def is_normal(value: Any) -> bool:
    return is_number(value) and sys.float_info.min <= abs(as_float(value)) < math.inf


NUMBERS: dict[str, Function] = {
    "frexp/0": lambda machine, value: list(math.frexp(_float(machine, "frexp", value))),
    "modf/0": lambda machine, value: list(math.modf(_float(machine, "modf", value))),
    "now/0": lambda machine, value: SystemClock().now().timestamp(),
    "infinite/0": lambda machine, value: math.inf,
    "nan/0": lambda machine, value: math.nan,
    "isnan/0": _is_nan,
    "isinfinite/0": lambda machine, value: is_number(value) and math.isinf(as_float(value)),
    "isfinite/0": lambda machine, value: is_number(value) and not math.isinf(as_float(value)),
    "isnormal/0": lambda machine, value: is_normal(value),
    "gmtime/0": _time("gmtime", _gmtime),
    "localtime/0": _time("localtime", _gmtime),
    "mktime/0": _time("mktime", _mktime),
    "strftime/1": _time("strftime", _strftime),
    "strflocaltime/1": _time("strflocaltime", _strftime),
    "strptime/1": _time("strptime", _strptime),
    "todate/0": _time("strftime", lambda value: _strftime(value, "%Y-%m-%dT%H:%M:%SZ")),
    "todateiso8601/0": _time("strftime", lambda value: _strftime(value, "%Y-%m-%dT%H:%M:%SZ")),
    "fromdate/0": _time("strptime", lambda value: _mktime(_strptime(value, "%Y-%m-%dT%H:%M:%S%z"))),
    "fromdateiso8601/0": _time(
        "strptime", lambda value: _mktime(_strptime(value, "%Y-%m-%dT%H:%M:%S%z"))
    ),
    **{
        f"{name}/0": _floats(name, getattr(math, name))
        for name in [
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "sinh",
            "cosh",
            "tanh",
            "asinh",
            "acosh",
            "atanh",
            "sqrt",
            "cbrt",
            "exp",
            "exp2",
            "expm1",
            "log1p",
            "fabs",
            "erf",
            "erfc",
            "gamma",
            "lgamma",
        ]
    },
    **{
        f"{name}/0": _floats(name, of)
        for name, of in {
            "floor": _whole(math.floor),
            "ceil": _whole(math.ceil),
            "trunc": _whole(math.trunc),
            "round": _rounded,
            "rint": _whole(round),
            "nearbyint": _whole(round),
            "exp10": lambda value: math.pow(10, value),
            "log": _log(math.log),
            "log2": _log(math.log2),
            "log10": _log(math.log10),
            "significand": lambda value: math.frexp(value)[0] * 2,
            "logb": lambda value: float(math.frexp(value)[1] - 1),
            "gamma": math.gamma,
            "tgamma": math.gamma,
        }.items()
    },
    **{
        f"{name}/2": _floats(name, of, of_arguments=True)
        for name, of in {
            "pow": math.pow,
            "atan2": math.atan2,
            "fmod": math.fmod,
            "hypot": math.hypot,
            "copysign": math.copysign,
            "fmin": lambda left, right: right if math.isnan(left) else min(left, right),
            "fmax": lambda left, right: right if math.isnan(left) else max(left, right),
            "drem": math.remainder,
            "remainder": math.remainder,
            "nextafter": math.nextafter,
            "nexttoward": math.nextafter,
            "scalbln": lambda value, power: math.ldexp(value, as_int(power)),
            "ldexp": lambda value, power: math.ldexp(value, as_int(power)),
            "scalb": lambda value, power: math.ldexp(value, as_int(power)),
            "fdim": lambda left, right: max(left - right, 0.0),
        }.items()
    },
}
