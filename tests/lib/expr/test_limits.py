"""No expression hangs, none takes all memory, and none raises anything but Mistake."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib import expr

DOUBLED = "".join(f"let a{n + 1} = [a{n}, a{n}];" for n in range(40))


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5000 + ")" * 5000,
        "-" * 5000 + "1",
        "2" + "^2" * 5000,
        "[" * 300 + "]" * 300,
        "a" + ".b" * 5000,
        "1..999999999",
        "repeat('ab', 1000000000)",
        "map(1..1000000, map(1..1000000, #))",
        "let a = 'x' + repeat('y', 900000); replace(a, 'y', a)",
        f"let a0 = [1]; {DOUBLED} toJSON(a40)",
        f"let a0 = [1]; {DOUBLED} a40",
        "repeat('a', 60000) matches '(a*)*b'",
        "sum(map(1..100000, sum(1..100)))",
    ],
    ids=lambda source: source[:30],
)
def test_what_would_run_away_is_refused(source: str) -> None:
    with pytest.raises(expr.Mistake):
        expr.compile(source).run({"a": {}})


def test_a_long_chain_is_no_deep_tree() -> None:
    assert expr.compile(" && ".join(["true"] * 5000)).run({}) is True
    assert expr.compile("+".join(["1"] * 5000)).run({}) == 5000


@given(st.text(alphabet="ab01 .?:#'\"`[]{}()|&!<>=+-*/%^,;$\\nletifin"))
def test_any_text_is_a_program_or_a_mistake(source: str) -> None:
    with contextlib.suppress(expr.Mistake):
        expr.compile(source).run({"a": {"b": [1]}, "b": "text"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def literal(value: Any) -> str:
    if value is None:
        return "nil"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(one)}' for key, one in value.items())}}}"
    if isinstance(value, str):
        return "'" + "".join(f"\\U{ord(char):08x}" for char in value) + "'"
    return json.dumps(value)


@given(JSON)
def test_literals_mean_what_they_say(value: Any) -> None:
    assert expr.compile(literal(value)).run({}) == value


@given(JSON)
def test_json_comes_back(value: Any) -> None:
    assert json.loads(expr.marshal(value)) == value
