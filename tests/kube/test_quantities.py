"""Quantities are exact and have one canonical form."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sampan.kube import quantities

amounts = st.builds(
    lambda number, suffix: f"{number}{suffix}",
    st.integers(0, 10**6) | st.decimals(0, 1000, places=3).map(lambda d: f"{d:f}"),
    st.sampled_from(["", "m", "u", "n", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "E-2"]),
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0.5", "500m"), ("1500m", "1500m"), ("1000m", "1"), ("2000", "2k"), ("0", "0"),
        ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("0.5Ki", "512"), ("100Ki", "100Ki"),
        ("1e3", "1e3"), ("12e6", "12e6"), ("1500e3", "1500e3"), ("-1.5", "-1500m"), ("1E", "1E"),
        ("0.1n", "1n"), ("1000000", "1M"), ("1.2345", "1234500u"), ("0Gi", "0"), ("1e0", "1"),
    ],
)  # fmt: skip
def test_canonical_form(text: str, canonical: str) -> None:
    assert quantities.canonical(text) == canonical


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1.2.3", "0x10", "1gi", "1e", "--1", "1e99999"])
def test_not_a_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        quantities.parse(text)


def test_integers_round_up() -> None:
    assert quantities.milli("0.0001") == 1
    assert quantities.milli("2") == 2000
    assert quantities.value("100m") == 1
    assert quantities.value("1.5Ki") == 1536
    assert quantities.value(3) == 3


@given(amounts)
@example("852.458Mi")  # 893867000 without a suffix, which read alone is no binary quantity
def test_canonical_form_is_stable_and_never_less(text: str) -> None:
    canonical = quantities.canonical(text)
    assert quantities.format(quantities.parse(canonical), quantities.style_of(text)) == canonical
    grown = quantities.parse(canonical) - quantities.parse(text)
    assert 0 <= grown < (1 if quantities.style_of(text) == "binary" else Fraction(1, 10**9))


@given(st.integers(-(10**15), 10**15), st.sampled_from(["decimal", "binary", "exponent"]))
def test_whole_numbers_survive(number: int, style: quantities.Style) -> None:
    assert quantities.parse(quantities.format(number, style)) == number
