"""Texts of values, and values of texts."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kinds.pipelines.ir import values

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (True, "true"), (1, "1"), (1.0, "1"), (-0.0, "-0"), (0.1, "0.1"),
        (1e21, "1" + "0" * 21), (1e-7, "0.0000001"), (123456789.125, "123456789.125"),
        (math.inf, "+Inf"), ([1.0, {"a": None}], '[1,{"a":null}]'), ("é", "é"), (["é"], '["é"]'),
    ],
)  # fmt: skip
def test_text(value: Any, text: str) -> None:
    assert values.text_of(value) == text


@given(NUMBERS)
def test_the_text_of_a_number_has_no_exponent_and_is_that_number(number: float) -> None:
    text = values.text_of(number)
    assert "e" not in text.lower()
    assert float(text) == number


@pytest.mark.parametrize("text", ["[NaN]", "-Infinity", "[1e999]", "[" * 100_000, "", "x"])
def test_what_is_no_json_of_protobufs(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        values.parsed(text)


@given(JSON)
def test_json_survives_its_text(value: Any) -> None:
    assert json.loads(values.json_text([value])) == [value]


@given(JSON, JSON)
def test_same_tells_booleans_from_numbers(one: Any, other: Any) -> None:
    assert values.same(one, one)
    assert values.same(one, other) == values.same(other, one)
    assert not values.same(True, 1)
