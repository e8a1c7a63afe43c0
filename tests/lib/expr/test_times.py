"""Dates and durations in expressions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sampan.lib import expr

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


def shown(source: str) -> str:
    program = expr.compile(source, {"now": lambda: NOON})
    return expr.show(program.run({"born": expr.time(datetime(2000, 2, 29, tzinfo=UTC))}))


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("now()", "2026-03-08 12:00:00 +0000 UTC"),
        ("now(timezone('Asia/Tokyo')).Hour()", "21"),
        ("now().In(timezone('Asia/Tokyo')).Format('Jan 2, 3PM MST')", "Mar 8, 9PM JST"),
        ("now() - date('2026-03-08')", "12h0m0s"),
        ("now() + duration('90m') > now()", "true"),
        ("duration('90m') - duration('1h') == duration('30m')", "true"),
        ("2 * duration('90m')", "3h0m0s"),
        ("duration('1s') * .5", "5e+08"),
        ("int(duration('1us'))", "1000"),
        ("duration('-1.5h').Truncate(duration('1h'))", "-1h0m0s"),
        ("string(now().Month()) + ' ' + string(now().Weekday())", "March Sunday"),
        ("born.AddDate(1, 0, 0)", "2001-03-01 00:00:00 +0000 UTC"),
        ("now().Truncate(duration('24h')).Unix()", "1772928000"),
        ("date('Mon, 02 Jan 2006 15:04:05 MST').Year()", "2006"),
        ("date('02/01/2020', '02/01/2006', 'Europe/Zurich').UTC().Hour()", "23"),
        ("date('0001-01-01').IsZero()", "true"),
        ("sort([duration('2s'), duration('1s')])", "[1s 2s]"),
        ("type(now())", "time.Time"),
        ("toJSON(now())", '"2026-03-08T12:00:00Z"'),
    ],
)
def test_times_are_values(source: str, wanted: str) -> None:
    assert shown(source) == wanted


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("date('soon')", "invalid date soon"),
        ("duration('5')", "missing unit in duration"),
        ("timezone('Moon/Base')", "unknown time zone Moon/Base"),
        ("timezone('../../etc/passwd')", "unknown time zone"),
        ("now() + 1", "invalid operation: time.Time + int"),
        ("now().Sub(1)", "cannot use int as argument (type time.Time)"),
        ("now().__class__", "cannot fetch __class__ from time.Time"),
        ("now().AddDate(9000000, 0, 0)", "time out of range"),
        ("duration('1h') < 1", "invalid operation: time.Duration < int"),
    ],
)
def test_mistakes_with_times(source: str, wanted: str) -> None:
    with pytest.raises(expr.Mistake) as caught:
        shown(source)
    assert wanted in str(caught.value)


def test_there_is_no_clock_unless_the_caller_gives_one() -> None:
    with pytest.raises(expr.Mistake, match="no clock"):
        expr.compile("now()").run({})
