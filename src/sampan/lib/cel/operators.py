"""The operators that do not simply take their arguments: logic, equality, order, membership.

A closure (`Run`) takes the frame of the run: its variables and what is left of the budget.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sampan.lib.cel.faults import EvaluationError, OverBudget
from sampan.lib.cel.values import equal, less, no_overload, size_of


class Frame:
    """One run: variables by name, and the steps that are left."""

    __slots__ = ("left", "variables")

    def __init__(self, variables: dict[str, Any], left: int) -> None:
        self.variables = variables
        self.left = left

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise OverBudget("operation cancelled: actual cost limit exceeded")


Run = Callable[[Frame], Any]


def true(value: Any) -> bool:
    """The value, which must be a boolean. Raises EvaluationError."""
    if value.__class__ is not bool:
        raise no_overload("_&&_", value)
    return bool(value)


def _logic(decisive: bool) -> Callable[[Run, Run], Run]:
    """&& and ||: one decisive side is enough, even when the other one is an error."""

    def make(left: Run, right: Run) -> Run:
        def run(frame: Frame) -> bool:
            try:
                if true(left(frame)) is decisive:
                    return decisive
            except OverBudget:
                raise
            except EvaluationError as fault:
                if true(right(frame)) is decisive:
                    return decisive
                raise fault from None
            return true(right(frame))

        return run

    return make


def _conditional(condition: Run, yes: Run, no: Run) -> Run:
    return lambda frame: yes(frame) if true(condition(frame)) else no(frame)


def _equality(wanted: bool) -> Callable[[Run, Run], Run]:
    def make(left: Run, right: Run) -> Run:
        def run(frame: Frame) -> bool:
            one, other = left(frame), right(frame)
            if one.__class__ in (list, dict):
                frame.spend(size_of(one))
            return equal(one, other) is wanted

        return run

    return make


def _within(item: Run, box: Run) -> Run:
    def run(frame: Frame) -> bool:
        wanted, given = item(frame), box(frame)
        frame.spend(size_of(given) if given.__class__ is list else 1)
        if given.__class__ is dict:
            return wanted.__class__ not in (list, dict) and wanted in given
        if given.__class__ is not list:
            raise no_overload("@in", wanted, given)
        return any(equal(wanted, each) for each in given)

    return run


def _order(test: Callable[[Any, Any], bool]) -> Callable[[Run, Run], Run]:
    def make(left: Run, right: Run) -> Run:
        return lambda frame: test(left(frame), right(frame))

    return make


def _not(operand: Run) -> Run:
    return lambda frame: not true(operand(frame))


OPERATORS: dict[str, Callable[..., Run]] = {
    "_&&_": _logic(False),
    "_||_": _logic(True),
    "_?_:_": _conditional,
    "_==_": _equality(True),
    "_!=_": _equality(False),
    "@in": _within,
    "!_": _not,
    "_<_": _order(less),
    "_>_": _order(lambda a, b: less(b, a)),
    "_<=_": _order(lambda a, b: less(a, b) or equal(a, b)),
    "_>=_": _order(lambda a, b: less(b, a) or equal(a, b)),
}
