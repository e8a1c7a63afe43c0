"""Texts of output parameters as values. Rules: backend/src/v2/metadata/converter.go."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kube.parameters import BadValue, parsed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "type", "value"),
    [
        pytest.param(" a\n", "STRING", " a\n", id="text-as-it-is"),
        pytest.param(" 12\n", "NUMBER_INTEGER", 12, id="integer"),
        pytest.param("-0", "NUMBER_INTEGER", 0, id="minus-zero"),
        pytest.param("+7", "NUMBER_INTEGER", 7, id="plus"),
        pytest.param("1.5e3\n", "NUMBER_DOUBLE", 1500.0, id="double"),
        pytest.param("3", "NUMBER_DOUBLE", 3.0, id="integer-as-double"),
        pytest.param(".5", "NUMBER_DOUBLE", 0.5, id="no-zero"),
        pytest.param("T\n", "BOOLEAN", True, id="true"),
        pytest.param("0", "BOOLEAN", False, id="false"),
        pytest.param('[1, "a", null]', "LIST", [1, "a", None], id="list"),
        pytest.param('{"a": {"b": 1}}', "STRUCT", {"a": {"b": 1}}, id="struct"),
    ],
)
def test_a_text_of_its_type(text: str, type: Any, value: object) -> None:
    assert parsed(text, type) == value


@pytest.mark.parametrize(
    ("text", "type", "said"),
    [
        pytest.param("1.0", "NUMBER_INTEGER", "invalid syntax", id="no-integer"),
        pytest.param("1_000", "NUMBER_INTEGER", "invalid syntax", id="underscore"),
        pytest.param("٣", "NUMBER_INTEGER", "invalid syntax", id="other-digits"),
        pytest.param("", "NUMBER_INTEGER", "invalid syntax", id="empty"),
        pytest.param("9223372036854775808", "NUMBER_INTEGER", "out of range", id="too-large"),
        pytest.param("9" * 5000, "NUMBER_INTEGER", "invalid syntax", id="huge"),
        pytest.param("nan", "NUMBER_DOUBLE", "invalid syntax", id="nan"),
        pytest.param("1e999", "NUMBER_DOUBLE", "out of range", id="infinite"),
        pytest.param("yes", "BOOLEAN", "invalid syntax", id="yes"),
        pytest.param("{}", "LIST", "unexpected type", id="struct-as-list"),
        pytest.param("[]", "STRUCT", "unexpected type", id="list-as-struct"),
        pytest.param("[NaN]", "LIST", "NaN is no number", id="nan-in-json"),
        pytest.param("[1,]", "LIST", "failed: ", id="no-json"),
        pytest.param("[" * 100_000, "LIST", "failed: ", id="deep"),
        pytest.param("{}", "TASK_CONFIG", "unknown type. Expected STRING", id="type"),
    ],
)
def test_another_text_is_refused_with_its_type(text: str, type: Any, said: str) -> None:
    with pytest.raises(BadValue, match=said) as raised:
        parsed(text, type)
    assert f'type="{type}"' in str(raised.value)
    assert len(str(raised.value)) < 500


@given(JSON)
def test_what_json_says_comes_back(value: Any) -> None:
    assert parsed(json.dumps([value]), "LIST") == [value]
    assert parsed(json.dumps({"k": value}), "STRUCT") == {"k": value}


@given(st.text(), st.sampled_from(["NUMBER_INTEGER", "NUMBER_DOUBLE", "BOOLEAN", "LIST", "STRUCT"]))
def test_every_text_has_a_value_or_a_reason(text: str, type: Any) -> None:
    with contextlib.suppress(BadValue):
        assert isinstance(parsed(text, type), (bool, int, float, list, dict))
