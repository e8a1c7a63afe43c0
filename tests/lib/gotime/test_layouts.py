from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib.gotime import layouts, moments
from sampan.lib.gotime.moments import Civil

ZURICH, NEW_YORK = moments.zone("Europe/Zurich"), moments.zone("America/New_York")
SOME = moments.of_civil(Civil(2009, 2, 4, 21, 0, 57), 12_345_600, moments.Zone("PST", -8 * 3600))


@pytest.mark.parametrize(
    ("layout", "wanted"),
    [
        ("Mon Jan _2 15:04:05 2006", "Wed Feb  4 21:00:57 2009"),
        ("Monday, 02-Jan-06 3:04:05 PM MST", "Wednesday, 04-Feb-09 9:00:57 PM PST"),
        (layouts.RFC3339_NANO, "2009-02-04T21:00:57.0123456-08:00"),
        ("05.000 05,00 -0700 -07 Z07:00:00", "57.012 57,01 -0800 -08 -08:00:00"),
        ("002 __2 January 2006_01", "035  35 February 2009_02"),
        ("Month day", "Month day"),
    ],
)
def test_a_moment_is_written_like_the_example(layout: str, wanted: str) -> None:
    assert layouts.write(SOME, layout) == wanted


@pytest.mark.parametrize(
    ("text", "layout", "wanted"),
    [
        ("2023-08-14", "2006-01-02", "2023-08-14 00:00:00 +0000 UTC"),
        ("15:04:05.25", "15:04:05", "0000-01-01 15:04:05.25 +0000 UTC"),
        ("feb  3 9:05am 70", "Jan _2 3:04pm 06", "1970-02-03 09:05:00 +0000 UTC"),
        ("2023-08-14T00:00:00+02:00", layouts.RFC3339, "2023-08-14 00:00:00 +0200 +0200"),
        ("2023 060", "2006 002", "2023-03-01 00:00:00 +0000 UTC"),
        ("12 AM MST", "3 PM MST", "0000-01-01 00:00:00 +0000 MST"),
    ],
)
def test_a_text_is_read_by_the_example(text: str, layout: str, wanted: str) -> None:
    assert layouts.write(layouts.read(text, layout), layouts.STRING) == wanted


@pytest.mark.parametrize(
    ("text", "layout", "wanted"),
    [
        ("2023-13-01", "2006-01-02", 'cannot parse "13-01" as "01"'),
        ("2023-02-30", "2006-01-02", "day out of range"),
        ("2023-02-03x", "2006-01-02", 'extra text: "x"'),
        ("x", "2006", 'parsing time "x" as "2006": cannot parse "x" as "2006"'),
        ("2023 366", "2006 002", "day-of-year out of range"),
    ],
)
def test_a_text_that_is_not_like_the_example(text: str, layout: str, wanted: str) -> None:
    with pytest.raises(ValueError, match="parsing time") as caught:
        layouts.read(text, layout)
    assert wanted in str(caught.value)


def test_clocks_that_are_changed() -> None:
    """An hour that is skipped takes the offset of before or after, as Go's time.Date."""
    skipped = layouts.read("2026-03-08 02:30:00", "2006-01-02 15:04:05", NEW_YORK)
    assert layouts.write(skipped, layouts.STRING) == "2026-03-08 01:30:00 -0500 EST"
    twice = layouts.read("2026-10-25 02:30:00", "2006-01-02 15:04:05", ZURICH)
    assert twice.offset in (3600, 7200)


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_moment_comes_back(moment: datetime) -> None:
    made = moments.of_datetime(moment)
    assert made.civil == (*moment.timetuple()[:6],)
    assert made.weekday == moment.isoweekday() % 7
    assert made.year_day == moment.timetuple().tm_yday
    assert layouts.read(layouts.write(made, layouts.RFC3339_NANO), layouts.RFC3339) == made


@given(st.text(max_size=20), st.text(alphabet="0123456JanMoPmTZ-:., _", max_size=20))
def test_any_layout_reads_or_refuses(text: str, layout: str) -> None:
    with contextlib.suppress(ValueError):
        layouts.write(layouts.read(text, layout), layout)
