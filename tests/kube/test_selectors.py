"""Selectors as text and as objects, and the words of their errors."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kube import selectors
from sampan.kube.errors import BadRequest

names = st.text("abcxyz019", min_size=1, max_size=4)
labels = st.dictionaries(names, names, max_size=4)


@pytest.mark.parametrize(
    ("text", "held", "expected"),
    [
        ("", {}, True), ("a=b", {"a": "b"}, True), ("a=b", {}, False), ("a==b", {"a": "b"}, True),
        ("a!=b", {}, True), ("a!=b", {"a": "b"}, False), ("a", {"a": ""}, True), ("a", {}, False),
        ("!a", {}, True), ("!a", {"a": "1"}, False), ("a in (b,c)", {"a": "c"}, True),
        ("a in (b, c), d notin (e)", {"a": "b"}, True), ("a notin (b)", {"a": "b"}, False),
        ("a in ()", {"a": ""}, None), ("a in (,b)", {"a": ""}, True), ("a=", {"a": ""}, True),
        ("x.io/a=b,in=1", {"x.io/a": "b", "in": "1"}, True), ("n>5", {"n": "6"}, True),
        ("n<5", {"n": "6"}, False), ("n>5", {"n": "x"}, False), ("in in (in)", {"in": "in"}, True),
    ],
)  # fmt: skip
def test_label_text(text: str, held: dict[str, str], expected: bool | None) -> None:
    if expected is None:
        with pytest.raises(BadRequest, match="values set can't be empty"):
            selectors.parse_labels(text)
    else:
        assert selectors.parse_labels(text).matches(held) is expected
        assert selectors.parse_labels(text).test(held) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("=b", "found '=', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a==(", "unable to parse requirement: found '(', expected: identifier"),
        ("n>x", "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt'"
            " operators, the value must be an integer"),
    ],
)  # fmt: skip
def test_label_text_errors(text: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        selectors.parse_labels(text)
    assert caught.value.message == message


def test_selector_object() -> None:
    selector = selectors.from_selector(
        {
            "matchLabels": {"a": "b"},
            "matchExpressions": [
                {"key": "c", "operator": "NotIn", "values": ["x"]},
                {"key": "d", "operator": "Exists"},
                {"key": "e", "operator": "DoesNotExist"},
            ],
        }
    )
    assert selector.matches({"a": "b", "d": ""})
    assert not selector.matches({"a": "b", "d": "", "c": "x"})
    assert not selector.matches({"a": "b"})
    assert selectors.from_selector({}).empty
    with pytest.raises(BadRequest, match='"Maybe" is not a valid label selector operator'):
        selectors.from_selector({"matchExpressions": [{"key": "a", "operator": "Maybe"}]})


@given(labels, labels)
def test_text_and_object_agree(wanted: dict[str, str], held: dict[str, str]) -> None:
    text = ",".join(f"{key}={value}" for key, value in wanted.items())
    expected = wanted.items() <= held.items()
    assert selectors.parse_labels(text).matches(held) is expected
    assert selectors.from_selector({"matchLabels": wanted}).matches(held) is expected


@given(st.text("ab=!,() <>in\\notx/.", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (selectors.parse_labels, selectors.parse_fields):
        with contextlib.suppress(BadRequest):
            parse(text)


def test_fields() -> None:
    assert selectors.parse_fields("metadata.name=p,metadata.name==p") == (
        ("metadata.name", "=", "p"),
        ("metadata.name", "=", "p"),
    )
    assert selectors.parse_fields(r"a!=b\,c,d=") == (("a", "!=", "b,c"), ("d", "=", ""))
    assert selectors.parse_fields("") == ()
    with pytest.raises(BadRequest, match="invalid selector: 'abc'; can't understand 'abc'"):
        selectors.parse_fields("abc")


def test_label_problems() -> None:
    assert selectors.label_problems({"a.io/b": "c", "d": ""}, "metadata.labels") == []
    found = selectors.label_problems({"-x": "ok", "a": "b c"}, "metadata.labels")
    assert [(p.field, p.reason) for p in found] == [("metadata.labels", "FieldValueInvalid")] * 2
    assert found[1].message.startswith('Invalid value: "b c": a valid label must be')
