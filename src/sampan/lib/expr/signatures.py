"""What a built-in function takes, said in one short text, and checked before it is called.

One letter an argument: s text, b truth, i whole number, r number, l list, m map, a anything. What
stands behind a `?` may be left out, the argument before a `+` may stand there any number of times.
A `!` in front asks for the words in which upstream refuses what it checks by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.values import is_number, type_of

_TESTS: dict[str, Callable[[Any], bool]] = {
    "s": lambda value: value.__class__ is str,
    "b": lambda value: value.__class__ is bool,
    "i": is_number,
    "r": is_number,
    "l": lambda value: isinstance(value, list | tuple),
    "m": lambda value: isinstance(value, Mapping),
    "a": lambda value: True,
}
_WANTED = {"s": "string", "b": "bool", "i": "int", "r": "float64", "l": "[]interface {}",
           "m": "map[string]interface {}"}  # fmt: skip


def checked(name: str, takes: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, called only with what it takes."""
    by_hand, endless = takes.startswith("!"), takes.endswith("+")
    needed, _, further = takes.lstrip("!").rstrip("+").partition("?")
    letters = needed + further
    least, most = len(needed), len(letters)
    tests = [(letter, _TESTS[letter]) for letter in letters]

    def run(*given: Any) -> Any:
        if by_hand and len(given) != least:
            wanted = f"expected {least}, got {len(given)}"
            raise Fault(f"invalid number of arguments ({wanted})")
        if len(given) < least:
            raise Fault(f"not enough arguments to call {name}")
        if len(given) > most and not endless:
            raise Fault(f"too many arguments to call {name}")
        for at, value in enumerate(given):
            letter, test = tests[min(at, most - 1)]
            if not test(value):
                if by_hand:
                    raise Fault(f"invalid argument for {name} (type {type_of(value)})")
                raise Fault(
                    f"cannot use {type_of(value)} as argument (type {_WANTED[letter]}) "
                    f"to call {name} "
                )
        return function(*given)

    return run
