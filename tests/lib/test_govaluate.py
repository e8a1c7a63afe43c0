from __future__ import annotations

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib.govaluate import Mistake, Program, evaluate


def when(source: str) -> Any:
    """As the `when` of a step: bare words are texts."""
    program = Program(source)
    program.take_words_as_texts()
    return program.run({})


@pytest.mark.parametrize(
    ("source", "value"),
    [
        pytest.param("7 + 5", 12.0, id="sum"),
        pytest.param("1 - 2 - 4 - 8", -13.0, id="from-the-left"),
        pytest.param("1 * 4 / 2 * 8", 16.0, id="products-from-the-left"),
        pytest.param("2 ** 3 ** 2", 64.0, id="powers-too"),
        pytest.param("-2 ** 2", 4.0, id="sign-binds-tightest"),
        pytest.param("1 + 5 ** 3 % 2 * 5", 6.0, id="ranks"),
        pytest.param("90 + 50 << 1 * 5", 4480.0, id="shift-below-sum"),
        pytest.param("90 & 50 << 1", 64.0, id="bits-below-shift"),
        pytest.param("100 ^ (23 * (2 | 5))", 197.0, id="exclusive-or"),
        pytest.param("~10", -11.0, id="bit-complement"),
        pytest.param("1 << 64", 0.0, id="shifted-out"),
        pytest.param("0x1f", 31.0, id="hexadecimal"),
        pytest.param("1 / 0", math.inf, id="infinity-is-no-error"),
        pytest.param("3.10 == 3.1", True, id="numbers-not-texts"),
        pytest.param("'3.10' == '3.1'", False, id="texts-not-numbers"),
        pytest.param("'true' != true", True, id="kinds-differ"),
        pytest.param("1 == true", False, id="one-is-not-true"),
        pytest.param("'ab' < 'abc'", True, id="texts-have-an-order"),
        pytest.param("'foo' + 123 == 'foo123'", True, id="text-and-number"),
        pytest.param("'n' + 1000000", "n1e+06", id="numbers-as-Go-writes-them"),
        pytest.param("'foobar' =~ '^fo+b'", True, id="pattern"),
        pytest.param("'foobar' !~ 'x$'", True, id="no-pattern"),
        pytest.param("1 in (1, 2, 3)", True, id="in"),
        pytest.param("!('x' in ('a', 'b'))", True, id="not-in"),
        pytest.param("false ? 35.5 : 50", 50.0, id="otherwise"),
        pytest.param("false ? 10", None, id="no-otherwise"),
        pytest.param("true ?? true ? 100 + 200 : 400", 300.0, id="one-rank-for-three-signs"),
        pytest.param("false && nobody", False, id="and-looks-no-further"),
        pytest.param("true || nobody", True, id="or-looks-no-further"),
        pytest.param("false || true && true || false", True, id="and-before-or"),
        pytest.param("(1, 2), 3", [1.0, 2.0, 3.0], id="list"),
        pytest.param("(1 == 1) 2", True, id="what-follows-is-ignored"),
        pytest.param("'it\" == 'it'", True, id="either-quote-ends-a-text"),
        pytest.param(r"'it\'s' == 'it' + '\'s'", True, id="backslash"),
        pytest.param("number + 1 == 3", True, id="parameter"),
        pytest.param("[a name] == 'there'", True, id="name-in-brackets"),
        pytest.param(r"a\ name == 'there'", True, id="name-with-backslash"),
    ],
)
def test_values(source: str, value: Any) -> None:
    found = evaluate(source, {"number": 2, "a name": "there"})
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("2014-01-02", 1388620800.0, id="date"),
        pytest.param("2014-01-02 14:12", 1388671920.0, id="minutes"),
        pytest.param("2014-01-02 14:12:22", 1388671942.0, id="seconds"),
        pytest.param("2014-01-02T14:12:22Z", 1388671942.0, id="rfc3339"),
        pytest.param("2014-01-02T14:12:22.5+02:00", 1388664742.0, id="zone-and-fraction"),
        pytest.param("2014-01-02T14:12+0200", 1388664720.0, id="iso8601"),
        pytest.param("Thu Jan  2 14:12:22 2014", 1388671942.0, id="ansi"),
        pytest.param("Thu Jan 02 14:12:22 -0700 2014", 1388697142.0, id="ruby"),
        pytest.param("3:04PM", -62167164960.0, id="kitchen"),
    ],
)
def test_texts_that_look_like_dates_are_moments(text: str, seconds: float) -> None:
    assert evaluate(f"'{text}'") == seconds


@pytest.mark.parametrize("text", ["2014-13-02", "2014-02-30", "24:00", "13:04PM", "1-2", "a:b"])
def test_other_texts_stay_texts(text: str) -> None:
    assert evaluate(f"'{text}'") == text


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("foo == foo", True),
        ("foo != bar", True),
        ("Error in (Failed, Error)", True),
        ("!(Succeeded in (Failed, Error))", True),
        ("(foo == bar) || (bar == foo)", False),
        ("heads =~ ^h", None),
        ("heads =~ eads", True),
        ("[two words] == 'two words'", True),
    ],
)
def test_words_stand_for_themselves_where_asked(source: str, holds: bool | None) -> None:
    if holds is None:
        with pytest.raises(Mistake):
            when(source)
    else:
        assert when(source) is holds


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        pytest.param("", "Unexpected end of expression", id="nothing"),
        pytest.param("1 ==", "Unexpected end of expression", id="half"),
        pytest.param("(1", "Unbalanced parenthesis", id="parenthesis"),
        pytest.param("'x", "Unclosed string literal", id="text"),
        pytest.param("[x", "Unclosed parameter bracket", id="bracket"),
        pytest.param("x = 1", "Invalid token: '='", id="sign"),
        pytest.param("1 ==-1", "Invalid token: '==-'", id="signs-run-together"),
        pytest.param("1.2.3", "Unable to parse numeric value '1.2.3' to float64\n", id="number"),
        pytest.param("0xg1", "Unable to parse hex value '' to uint64\n", id="hexadecimal"),
        pytest.param(
            "a.b == 1", "Unable to access unexported field 'b' in token 'a.b'", id="accessor"
        ),
        pytest.param("a. == 1", "Hanging accessor on token 'a.'", id="hanging"),
        pytest.param("a.B == 1", "No parameter 'a' found.", id="structure"),
        pytest.param("nobody", "No parameter 'nobody' found.", id="parameter"),
        pytest.param("f(1)", "Undefined function f", id="function"),
        pytest.param(
            "1 2", "Cannot transition token types from NUMERIC [1] to NUMERIC [2]", id="two-values"
        ),
        pytest.param(
            "1 + true", "Value '1' cannot be used with the modifier '+', it is not a number",
            id="sum-of-kinds",
        ),
        pytest.param(
            "'a' - 1", "Value 'a' cannot be used with the modifier '-', it is not a number",
            id="difference-of-kinds",
        ),
        pytest.param(
            "1 < 'a'", "Value '1' cannot be used with the comparator '<', it is not a number",
            id="order-of-kinds",
        ),
        pytest.param(
            "1 in (1)", "Value '1' cannot be used with the comparator 'in', it is not a number",
            id="one-is-no-list",
        ),
        pytest.param(
            "1 && true",
            "Value '1' cannot be used with the logical operator '&&', it is not a bool",
            id="logic-of-numbers",
        ),
        pytest.param(
            "1 ? 2", "Value '1' cannot be used with the ternary operator '?', it is not a bool",
            id="choice-by-number",
        ),
        pytest.param("-true", "Value 'true' cannot be used with the prefix '-'", id="prefix"),
    ],
)  # fmt: skip
def test_mistakes_say_what_upstream_says(source: str, fault: str) -> None:
    with pytest.raises(Mistake) as caught:
        evaluate(source)
    assert str(caught.value) == fault


def test_words_with_a_dash_are_a_subtraction() -> None:
    with pytest.raises(Mistake, match="Value 'foo' cannot be used with the modifier '-'"):
        when("foo-bar == foo-bar")


def test_a_word_as_text_may_not_follow_a_prefix() -> None:
    with pytest.raises(Mistake, match="from PREFIX"):
        when("!foo == foo")


def test_patterns_do_not_run_away() -> None:
    assert evaluate(f"'{'a' * 3000}b' =~ '^(a+)+$'") is False


@pytest.mark.parametrize("source", ["(" * 5000 + "1" + ")" * 5000, "+".join(["1"] * 200_000)])
def test_size_is_bounded(source: str) -> None:
    with pytest.raises(Mistake, match="at most"):
        evaluate(source)


def test_a_long_condition_is_no_deep_one() -> None:
    assert when(" || ".join(["a == b"] * 5000 + ["c == c"])) is True


PIECES = st.sampled_from(
    ["1", "2.5", "foo", "'x'", "'2014-01-02'", "true", "[a b]", "(", ")", ",", "in", "=~", "!", "-",
     "~", "==", "<", "&&", "||", "?", ":", "??", "+", "**", "%", "<<", "\\", "'", " "]
)  # fmt: skip


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=15).map(" ".join)))
def test_any_text_has_a_value_or_is_a_mistake(source: str) -> None:
    for run in (evaluate, when):
        with contextlib.suppress(Mistake):
            value = run(source)
            assert value is None or isinstance(value, float | str | bool | list)
