"""Cron: what a schedule means, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.lib import cron


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


START = at("2026-03-01 10:07:30")


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        pytest.param("* * * * *", "2026-03-01 10:08", id="every-minute"),
        pytest.param("*/1 * * * ?", "2026-03-01 10:08", id="question-mark"),
        pytest.param("*/15 * * * *", "2026-03-01 10:15", id="step"),
        pytest.param("5/20 * * * *", "2026-03-01 10:25", id="step-from"),
        pytest.param("0 9-17/4 * * *", "2026-03-01 13:00", id="step-of-range"),
        pytest.param("3,5 0 * * *", "2026-03-02 00:03", id="list"),
        pytest.param("0 0 * * mon", "2026-03-02 00:00", id="day-name"),
        pytest.param("0 0 1 JAN *", "2027-01-01 00:00", id="month-name"),
        pytest.param("0 0 13 * 5", "2026-03-06 00:00", id="date-or-day"),
        pytest.param("0 0 31 * *", "2026-03-31 00:00", id="long-months"),
        pytest.param("0 0 29 2 *", "2028-02-29 00:00", id="leap-day"),
        pytest.param("@hourly", "2026-03-01 11:00", id="hourly"),
        pytest.param("@weekly", "2026-03-08 00:00", id="weekly"),
        pytest.param("@yearly", "2027-01-01 00:00", id="yearly"),
        pytest.param("@every 1h30m", "2026-03-01 11:37:30", id="every"),
    ],
)
def test_following(schedule: str, following: str) -> None:
    assert cron.parse(schedule).following(START) == at(following)


def test_a_day_that_never_comes() -> None:
    assert cron.parse("0 0 30 2 *").following(START) is None
    assert cron.parse("0 0 30 2 *").latest(START - timedelta(days=900), START) is None


def test_latest() -> None:
    schedule = cron.parse("30 2 * * *")
    assert schedule.latest(at("2026-02-01"), START) == at("2026-03-01 02:30")
    assert schedule.latest(at("2026-03-01 02:30"), START) is None
    assert cron.parse("@every 10m").latest(START - timedelta(minutes=25), START) == (
        START - timedelta(minutes=5)
    )


def test_a_zone_moves_the_hours() -> None:
    schedule = cron.parse("0 9 * * *", cron.zone("Europe/Berlin"))
    assert schedule.following(at("2026-01-01")) == at("2026-01-01 08:00")
    assert schedule.following(at("2026-07-01")) == at("2026-07-01 07:00")


def test_an_hour_that_is_skipped_and_one_that_is_repeated() -> None:
    schedule = cron.parse("30 2 * * *", cron.zone("Europe/Berlin"))
    assert schedule.following(at("2026-03-29")) == at("2026-03-30 00:30")  # 02:30 is no time
    first = schedule.following(at("2026-10-24 12:00"))
    assert first == at("2026-10-25 00:30")
    assert schedule.following(first) == at("2026-10-25 01:30")
    assert schedule.latest(at("2026-10-20"), at("2026-10-25 01:00")) == first


@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        ("", "empty spec"),
        ("* * * *", "expected exactly 5 fields, found 4"),
        ("* * * * * *", "found 6"),
        ("60 * * * *", "above maximum (59)"),
        ("* * 0 * *", "below minimum (1)"),
        ("5-3 * * * *", "beyond end of range"),
        ("*/0 * * * *", "positive number"),
        ("a * * * *", "failed to parse int from a"),
        ("1-2-3 * * * *", "too many hyphens"),
        ("1/2/3 * * * *", "too many slashes"),
        ("* * * * 7", "above maximum (6)"),
        ("@fortnightly", "unrecognized descriptor"),
        ("@every soon", "failed to parse duration"),
        ("@every 99999999999999h", "failed to parse duration"),
        ("¹ * * * *", "failed to parse int"),
    ],
)
def test_what_is_no_schedule(schedule: str, fault: str) -> None:
    with pytest.raises(ValueError, match=r".*") as raised:
        cron.parse(schedule)
    assert fault in str(raised.value)


@pytest.mark.parametrize("name", ["Nowhere/Else", "../../etc/passwd", "/etc/passwd", "", "a\0b"])
def test_what_is_no_zone(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        cron.zone(name)


FIELDS = st.tuples(
    st.sampled_from(["*", "*/7", "0", "5,35", "10-50/13"]),
    st.sampled_from(["*", "*/5", "2", "1-3"]),
    st.sampled_from(["*", "31", "1-7", "*/9"]),
    st.sampled_from(["*", "2", "3,10"]),
    st.sampled_from(["*", "0", "1-5"]),
)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York"])
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1))


@settings(max_examples=60, deadline=None)
@given(FIELDS, ZONES, MOMENTS)
def test_there_and_back(fields: tuple[str, ...], name: str, moment: datetime) -> None:
    """The latest activation up to the next one is the next one; just before it there is none."""
    moment = moment.replace(tzinfo=UTC)
    schedule = cron.parse(" ".join(fields), cron.zone(name))
    following = schedule.following(moment)
    if following is None:
        return
    assert following > moment
    assert schedule.latest(moment, following) == following
    assert schedule.latest(moment, following - timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        pytest.param("* * * * * *", "2026-03-01 10:07:31", id="every-second"),
        pytest.param("*/20 * * * * ?", "2026-03-01 10:07:40", id="step"),
        pytest.param("15,45 8 * * * *", "2026-03-01 10:08:15", id="list"),
        pytest.param("0 0 9 * * MON-FRI", "2026-03-02 09:00", id="day-names"),
        pytest.param("0 0 9 2 *", "2026-03-02 09:00", id="no-day-of-the-week"),
        pytest.param("59 59 23 31 12 *", "2026-12-31 23:59:59", id="last-second"),
        pytest.param("0 0 0 */2 * mon", "2026-03-09 00:00", id="a-stepped-star-is-any-day"),
        pytest.param("@daily", "2026-03-02 00:00", id="word"),
        pytest.param("@every 90s", "2026-03-01 10:09", id="every"),
    ],
)
def test_following_with_seconds(schedule: str, following: str) -> None:
    assert cron.parse_with_seconds(schedule).following(START) == at(following)


@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        ("", "Empty spec"),
        ("* * * *", "Expected 5 to 6 fields, found 4"),
        ("* * * * * * *", "found 7"),
        ("CRON_TZ=UTC 0 0 0 * * *", "found 7"),
        ("60 * * * * *", "above maximum (59)"),
        ("0 0 0 * * 7", "above maximum (6)"),
        ("@never", "unrecognized descriptor"),
    ],
)
def test_what_is_no_schedule_with_seconds(schedule: str, fault: str) -> None:
    with pytest.raises(ValueError, match=r".*") as raised:
        cron.parse_with_seconds(schedule)
    assert fault in str(raised.value)


SECONDS = st.sampled_from(["*", "0", "*/17", "7,59", "30-40/5"])


@settings(max_examples=60, deadline=None)
@given(SECONDS, FIELDS, ZONES, MOMENTS, st.integers(1, 400))
def test_each_second_is_an_activation_or_none(
    seconds: str, fields: tuple[str, ...], name: str, moment: datetime, span: int
) -> None:
    """Walking second by second finds what `following` and `latest` find."""
    since = moment.replace(tzinfo=UTC, microsecond=0)
    zone = cron.zone(name)
    minute, hour, *_ = fields
    schedule = cron.parse_with_seconds(f"{seconds} {minute} {hour} * * *", zone)
    assert isinstance(schedule, cron.Calendar)
    walked = [since + timedelta(seconds=each + 1) for each in range(span)]
    local = [(found, found.astimezone(zone)) for found in walked]
    ticks = [
        found
        for found, wall in local
        if wall.second in schedule.seconds
        and wall.minute in schedule.minutes
        and wall.hour in schedule.hours
    ]
    following = schedule.following(since)
    assert (following if following and following <= walked[-1] else None) == next(iter(ticks), None)
    assert schedule.latest(since, walked[-1]) == (ticks[-1] if ticks else None)
