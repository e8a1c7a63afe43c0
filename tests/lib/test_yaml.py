"""YAML as Kubernetes reads it."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib import yaml

BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e9, 1e9)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abxyno-1. :", max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("true", True, id="true"),
        pytest.param("TRUE", True, id="upper-true"),
        pytest.param("yes", "yes", id="yes-is-text"),
        pytest.param("on", "on", id="on-is-text"),
        pytest.param("n", "n", id="n-is-text"),
        pytest.param("2026-01-02", "2026-01-02", id="date-is-text"),
        pytest.param("12:30", "12:30", id="no-base-60"),
        pytest.param("0644", 420, id="octal"),
        pytest.param("0x10", 16, id="hex"),
        pytest.param("1_000", 1000, id="underscore"),
        pytest.param("0899", 899, id="not-octal"),
        pytest.param("1e3", 1000, id="exponent"),
        pytest.param("1.0", 1, id="whole-float"),
        pytest.param("-0.5", -0.5, id="float"),
        pytest.param("1.5Gi", "1.5Gi", id="quantity"),
        pytest.param('"1"', "1", id="quoted"),
        pytest.param("!!str 1", "1", id="tagged"),
        pytest.param("~", None, id="tilde"),
        pytest.param("", None, id="empty"),
        pytest.param("{1: a, true: b}", {"1": "a", "true": "b"}, id="keys-are-text"),
        pytest.param(
            "a: &x {b: 1}\nc: {<<: *x, d: 2}",
            {"a": {"b": 1}, "c": {"b": 1, "d": 2}},
            id="merge-key",
        ),
    ],
)
def test_reads(text: str, value: Any) -> None:
    read = yaml.load(text)
    assert read == value
    assert type(read) is type(value)


def test_duplicates_are_named_and_the_last_wins() -> None:
    value, duplicates = yaml.load_checked("data: {a: 1, a: 2}\nitems: [{x: 1, x: 2}]")
    assert value == {"data": {"a": 2}, "items": [{"x": 2}]}
    assert duplicates == ["data.a", "items[0].x"]


def test_documents() -> None:
    assert yaml.load_all("a: 1\n---\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]
    with pytest.raises(yaml.YamlError):
        yaml.load("a: 1\n---\nb: 2\n")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        pytest.param("a: 1\nb: [", 3, 1, id="open"),
        pytest.param("a: 1\n b: 2", 2, 3, id="indent"),
        pytest.param("a: .nan", 1, 4, id="nan"),
        pytest.param("a: !!python/object:os.system {}", 1, 4, id="tag"),
        pytest.param("{[a]: 1}", 1, 2, id="key"),
    ],
)
def test_errors_say_where(text: str, line: int, column: int) -> None:
    with pytest.raises(yaml.YamlError) as caught:
        yaml.load(text)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(BOMB, id="alias-bomb"),
        pytest.param("[" * 900 + "]" * 900, id="deep"),
        pytest.param("[" * 100_000, id="very-deep"),
        pytest.param("a: &a [*a]", id="own-alias"),
        pytest.param(b"\xff\xfe\x00", id="bytes"),
        pytest.param("a: \x00", id="null-byte"),
    ],
)  # fmt: skip
def test_hostile_texts_are_refused(text: str | bytes) -> None:
    with pytest.raises(yaml.YamlError):
        yaml.load(text)


def test_too_many_values_are_called_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "MAX_NODES", 5)
    with pytest.raises(yaml.YamlError, match="more than 5 values"):
        yaml.load("[1, 2, 3, 4, 5]")


def test_writes_block_style() -> None:
    value = {"kind": "Pod", "args": ["a", "yes", "1"], "script": "one\ntwo\n", "count": 1, "no": {}}
    assert yaml.dump(value) == (
        'kind: Pod\nargs:\n- a\n- "yes"\n- "1"\nscript: |\n  one\n  two\ncount: 1\n"no": {}\n'
    )


@given(json_values)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert yaml.load(yaml.dump(value)) == value


@given(st.text() | st.binary())
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    with contextlib.suppress(yaml.YamlError):
        yaml.load_all(text)
