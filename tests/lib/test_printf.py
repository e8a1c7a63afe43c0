from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib.printf import Mistake, number, quote, sprintf, text


@pytest.mark.parametrize(
    ("format", "values", "shown"),
    [
        pytest.param("testuser%02X", (10,), "testuser0A", id="as-in-the-docs-of-sequences"),
        pytest.param("%03d", (-5,), "-05", id="zeros-behind-the-sign"),
        pytest.param("%+d|% d|%-4d|", (3, 3, 3), "+3| 3|3   |", id="flags"),
        pytest.param("%.3d|%5.3d", (7, 7), "007|  007", id="least-digits"),
        pytest.param("%b %o %O %#o %x %#X", (5, 8, 8, 8, 255, 255), "101 10 0o10 010 ff 0XFF",
                     id="bases"),
        pytest.param("%c %q %U", (233, 233, 233), "é 'é' U+00E9", id="characters"),
        pytest.param("%f %.1f %8.2f|%e", (1.5, 0.25, 2.0, 1234.5),
                     "1.500000 0.2     2.00|1.234500e+03", id="floats"),
        pytest.param("%g %G %v", (1e6, 1e-7, 2.0), "1e+06 1E-07 2", id="shortest"),
        pytest.param("%s %10s|%-5s|%.2s", ("a", "b", "c", "long"),
                     "a          b|c    |lo", id="texts"),
        pytest.param("%q %x %X", ('say "é"\n', "hé", "hé"), '"say \\"é\\"\\n" 68c3a9 68C3A9',
                     id="texts-otherwise"),
        pytest.param("%+q %#q", ("é", "plain"), '"\\u00e9" `plain`', id="quotes-of-two-kinds"),
        pytest.param("%t %v", (True, False), "true false", id="truth"),
        pytest.param("%v %d", ([1, "a"], [1, 2]), "[1 a] [1 2]", id="lists"),
        pytest.param("%v", ({"b": 1, "a": None},), "map[a:<nil> b:1]", id="maps"),
        pytest.param("%T %T %T", (1, "a", {}), "int string map[string]interface {}", id="types"),
        pytest.param("%*d|%-*d|%.*f", (4, 1, 4, 1, 1, 2.55), "   1|1   |2.5", id="sizes-as-values"),
        pytest.param("%[2]d %[1]d", (1, 2), "2 1", id="indexes"),
        pytest.param("100%%", (), "100%", id="percent"),
        pytest.param("%d", ("x",), "%!d(string=x)", id="wrong-kind"),
        pytest.param("%z", (1,), "%!z(int=1)", id="unknown-verb"),
        pytest.param("%d %d", (1,), "1 %!d(MISSING)", id="missing"),
        pytest.param("a", (1, "b"), "a%!(EXTRA int=1, string=b)", id="too-many"),
        pytest.param("%d%", (1,), "1%!(NOVERB)", id="no-verb"),
        pytest.param("%[3]d", (1,), "%!d(BADINDEX)", id="bad-index"),
        pytest.param("%*d", ("x", 1), "%!(BADWIDTH)1", id="bad-width"),
        pytest.param("%s", (None,), "%!s(<nil>)", id="nothing"),
    ],
)  # fmt: skip
def test_formats(format: str, values: tuple[Any, ...], shown: str) -> None:
    assert sprintf(format, *values) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (-0.5, "-0.5"), (100000.0, "100000"), (1e6, "1e+06"), (1e-5, "1e-05"),
     (0.0001, "0.0001"), (float("inf"), "+Inf"), (float("nan"), "NaN")],
)  # fmt: skip
def test_floats_as_Go_writes_them(value: float, shown: str) -> None:
    assert number(value) == text(value) == shown


def test_quote_shows_what_cannot_be_seen() -> None:
    assert quote("\x00\u200b\U0001f600\ud800"[:3]) == '"\\x00\\u200b😀"'


@pytest.mark.parametrize("format", ["%p", "%#v"])
def test_what_is_not_supported_is_said(format: str) -> None:
    with pytest.raises(Mistake, match="not supported"):
        sprintf(format, 1)


def test_a_text_may_not_grow_without_end() -> None:
    with pytest.raises(Mistake, match="at most"):
        sprintf("%999999d" * 10, *range(10))


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
PIECES = st.sampled_from(["%", "[1]", "*", ".", "5", "-", "+", "#", "0", *"vTdsqxXeEfgGcUbotz"])


@given(st.lists(PIECES, max_size=12).map("".join), st.lists(VALUES, max_size=3))
def test_any_format_gives_a_text_or_is_a_mistake(format: str, values: list[Any]) -> None:
    with contextlib.suppress(Mistake):
        assert isinstance(sprintf(format, *values), str)
