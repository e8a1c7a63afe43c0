from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib.gotime import durations


@pytest.mark.parametrize(
    ("text", "seconds", "shown"),
    [
        ("0", 0, "0s"),
        ("1h30m", 5400, "1h30m0s"),
        ("-1.5h", -5400, "-1h30m0s"),
        (".5s", 0.5, "500ms"),
        ("90s", 90, "1m30s"),
        ("1us", 1e-6, "1µs"),
        ("1.00000001s", 1.00000001, "1.00000001s"),
    ],
)
def test_a_duration_is_read_and_written(text: str, seconds: float, shown: str) -> None:
    assert durations.parse(text) == round(seconds * 1e9)
    assert durations.shown(durations.parse(text)) == shown


@pytest.mark.parametrize("text", ["", "-", "1", "1.5", "s", "1x", "1h 2m", ".h", "9999999h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"time: (invalid|missing unit in) duration"):
        durations.parse(text)


@given(st.integers(-(2**62), 2**62))
def test_every_duration_comes_back(nanoseconds: int) -> None:
    assert durations.parse(durations.shown(nanoseconds)) == nanoseconds


@given(st.integers(-(2**60), 2**60), st.integers(1, 2**40))
def test_cutting_leaves_multiples(nanoseconds: int, unit: int) -> None:
    cut, near = durations.truncated(nanoseconds, unit), durations.rounded(nanoseconds, unit)
    assert cut % unit == 0
    assert abs(cut) <= abs(nanoseconds)
    assert near % unit == 0
    assert 2 * abs(near - nanoseconds) <= unit
