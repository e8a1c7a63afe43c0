"""The space that is searched: each parameter as an axis of places from 0 to 1.

An axis stretches a parameter so that equal lengths of it are equally likely under the parameter's
distribution: logarithms for `logUniform`, quantiles for `normal`. Who draws a place evenly has
drawn from the distribution, and a model of places need not know what they stand for. Steps and
choices are cells of the axis. `assigned` makes texts of places; the way back is `history`'s.

Steps count from `min`; a double with steps is exact in decimals (0.1 + 2 × 0.1 is 0.3). `normal` is
the normal distribution around the middle of the range with a sixth of it as deviation, `logNormal`
the same of logarithms; neither is cut at the ends. Upstream: pkg/suggestion/v1beta1/hyperopt.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from statistics import NormalDist

from msgspec.structs import replace

from sampan.lib.search import text
from sampan.lib.search.problem import Parameter, Refused

_SIGMAS = 6  # in the range of a normal distribution
_LARGEST_LOGARITHM = math.log(sys.float_info.max)
_STANDARD = NormalDist()
_TAIL = 1e-9  # of the normal distribution, that no place stands for: six deviations from its middle


class Axis:
    """`levels`: how many values there are, 0 where they have no number. `low` and `high`: what the
    places 0 and 1 stand for, on the scale of logarithms where `logarithmic`; with `normal` the
    middle and the deviation instead. `ordered`: near places are near values."""

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        self.name = parameter.name
        self.logarithmic = parameter.distribution in ("logUniform", "logNormal")
        self.normal = parameter.distribution in ("normal", "logNormal")
        self.choices: tuple[str, ...] = ()
        if parameter.kind in ("discrete", "categorical"):
            self._choose(parameter)
        else:
            self._measure(parameter)

    def text(self, place: float) -> str:
        if self.choices:
            return self.choices[min(int(place * self.levels), self.levels - 1)]
        return text.of(self.parameter, self._value(place))

    def has(self, text: str) -> bool:
        """Whether it is a value of the parameter; between steps it is one, too."""
        if self.choices:
            return text in self.choices
        try:
            value = float(text)
        except ValueError:
            return False
        if self.parameter.kind == "int" and not value.is_integer():
            return False
        low, high = (-math.inf, math.inf) if self.normal else self._bounds
        return math.isfinite(value) and low <= value <= high

    def takes(self, value: str | None) -> bool:
        """Whether it is one of the choices, or in the range (anywhere, with `normal`), though maybe
        between two steps."""
        if value is None or self.choices:
            return value in self.choices
        try:
            number = float(value)
        except ValueError:
            return False
        least, most = self._bounds
        return math.isfinite(number) and (self.normal or least <= number <= most)

    def cell(self, level: int) -> float:
        """The middle of this one of `levels`."""
        if not self.logarithmic:
            return (level + 0.5) / self.levels
        if self.levels == 1:
            return 0.5
        value = math.log(float(self._first + self._step * level))
        return (value - self.low) / (self.high - self.low)

    def _choose(self, parameter: Parameter) -> None:
        if not parameter.choices:
            raise Refused(f"parameter {self.name}: its list is empty")
        self.choices = parameter.choices
        self.ordered = parameter.kind == "discrete" and all(map(_is_number, self.choices))
        if self.ordered:
            self.choices = tuple(sorted(self.choices, key=float))
        self.levels = len(self.choices)
        self.logarithmic = self.normal = False

    def _measure(self, parameter: Parameter) -> None:
        self.ordered = True
        low, high, step = _bounds(parameter)
        if self.logarithmic and low <= 0:
            raise Refused(f"parameter {self.name}: {parameter.distribution} needs min above 0")
        self._first, self._step = Decimal(repr(low)), Decimal(repr(step))
        self._bounds = low, high
        self.levels = int((Decimal(repr(high)) - self._first) / self._step) + 1 if step else 0
        if self.levels > sys.float_info.max:
            raise Refused(f"parameter {self.name}: its step is too small for its range")
        if low == high:
            self.levels, self.normal = 1, False
        if step and not self.normal:  # half a step beyond, or the ends were half as likely
            high = float(self._first + self._step * (self.levels - 1)) + step / 2
            low = (max(low - step / 2, low / 2) or low) if self.logarithmic else low - step / 2
        if self.logarithmic and low < high and math.log(low) == math.log(high):
            self.logarithmic = False  # a range too narrow for logarithms to tell its ends apart
        if self.logarithmic:
            low, high = math.log(low), math.log(high)
        if self.normal:
            self.levels = 0
            low, high = low / 2 + high / 2, high / _SIGMAS - low / _SIGMAS
        self.low, self.high = low, high

    def _value(self, place: float) -> float:
        if self.normal:
            tail = min(max(place, _TAIL), 1 - _TAIL)
            found = self.low + self.high * _STANDARD.inv_cdf(tail)
        else:
            found = self.low * (1 - place) + self.high * place
        if self.logarithmic:
            found = math.exp(min(found, _LARGEST_LOGARITHM))
        found = min(max(found, -sys.float_info.max), sys.float_info.max)
        if not self._step:
            return found if self.normal else min(max(found, self._bounds[0]), self._bounds[1])
        steps = round((Decimal(found) - self._first) / self._step)
        if self.levels:
            steps = min(max(steps, 0), self.levels - 1)
        return float(self._first + self._step * steps)


class Space:
    """Raises Refused for parameters that are none."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.axes = tuple(Axis(each) for each in parameters)
        self.names = tuple(each.name for each in parameters)
        for name in self.names:
            if self.names.count(name) > 1:
                raise Refused(f"Detect duplicated parameter name: {name}")
        self._conditions = _conditions(parameters)
        self.is_conditional = bool(self._conditions)
        self.size = math.prod(axis.levels for axis in self.axes)
        """How many points it has, 0 where they have no number."""

    def assigned(self, places: Sequence[float]) -> dict[str, str]:
        """A text for each parameter that has a value at this point."""
        return self.active(
            {axis.name: axis.text(place) for axis, place in zip(self.axes, places, strict=True)}
        )

    def active(self, values: Mapping[str, str]) -> dict[str, str]:
        """Without those of parameters that have none beside the others."""
        found = dict(values)
        for name, (parent, wanted) in self._conditions.items():  # parents come first
            if found.get(parent) not in wanted:
                found.pop(name, None)
        return found

    def has(self, values: Mapping[str, str]) -> bool:
        """Whether these are a point: a value for each parameter that has one beside the others."""
        wanted = set(self.names)
        for name, (parent, parents) in self._conditions.items():
            if parent not in wanted or values.get(parent) not in parents:
                wanted.discard(name)
        return values.keys() == wanted and all(
            axis.has(values[axis.name]) for axis in self.axes if axis.name in wanted
        )

    def point(self, number: int) -> tuple[float, ...]:
        """The places of point `number` of `size`: the last axis moves first."""
        places = []
        for axis in reversed(self.axes):
            number, level = divmod(number, axis.levels)
            places.append(axis.cell(level))
        return tuple(reversed(places))


@lru_cache(maxsize=64)
def of(parameters: tuple[Parameter, ...]) -> Space:
    return Space(parameters)


def evenly(parameters: tuple[Parameter, ...]) -> Space:
    """The space of the same parameters where every value is equally likely."""
    return of(tuple(replace(each, distribution="uniform") for each in parameters))


def _bounds(parameter: Parameter) -> tuple[float, float, float]:
    """`min`, `max` and the step, 0 where there is none; whole numbers of an int."""
    if parameter.min is None or parameter.max is None:
        raise Refused(f"parameter {parameter.name}: it needs min and max, which are numbers")
    low, high, step = parameter.min, parameter.max, parameter.step or 0.0
    if parameter.kind == "int":
        low, high, step = math.ceil(low), math.floor(high), max(step, 1.0) if step >= 0 else step
    if low > high:
        raise Refused(f"parameter {parameter.name}: min is above max")
    if step < 0:
        raise Refused(f"parameter {parameter.name}: its step is below 0")
    return float(low), float(high), float(step)


def _conditions(parameters: Sequence[Parameter]) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """The conditions by the parameter that has one, in an order in which parents come first."""
    waiting = {each.name: each.when for each in parameters if each.when is not None}
    names = {each.name for each in parameters}
    ordered: dict[str, tuple[str, tuple[str, ...]]] = {}
    while waiting:
        ready = [name for name, (parent, _) in waiting.items() if parent not in waiting]
        if not ready:
            raise Refused(f"parameter {next(iter(waiting))}: it depends on itself")
        for name in ready:
            if waiting[name][0] not in names:
                raise Refused(f"parameter {name}: there is no parameter {waiting[name][0]}")
            ordered[name] = waiting.pop(name)
    return ordered


def _is_number(choice: str) -> bool:
    try:
        return math.isfinite(float(choice))
    except ValueError:
        return False
