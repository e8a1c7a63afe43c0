"""CronWorkflows through changes of the clock and missed activations, in simulated time."""

from __future__ import annotations

import pytest

from kinds.workflows.cron.almanac import Almanac, cron

KEEP = {"successfulJobsHistoryLimit": 99}
NEW_YORK = {"timezone": "America/New_York", **KEEP}
ONCE_A_DAY = (
    "{{= cronworkflow.lastScheduledTime == nil ||"
    " (now() - cronworkflow.lastScheduledTime).Seconds() > 7200 }}"
)


def test_an_hour_that_is_skipped_has_no_activation() -> None:
    """New York, 8 March 2026: at 02:00 it is 03:00. 02:30 comes on the 7th and on the 9th."""
    toy = Almanac(cron("30 2 * * *", **NEW_YORK), "2026-03-07 00:00")
    toy.until("2026-03-10 00:00")
    assert toy.ticks == ["2026-03-07T07:30", "2026-03-09T06:30"]


def test_an_hour_that_comes_twice_has_two_activations() -> None:
    """New York, 1 November 2026: at 02:00 it is 01:00 again."""
    toy = Almanac(cron("30 1 * * *", **NEW_YORK), "2026-10-31 12:00")
    toy.until("2026-11-02 12:00")
    assert toy.ticks == ["2026-11-01T05:30", "2026-11-01T06:30", "2026-11-02T06:30"]


def test_a_condition_makes_one_of_two() -> None:
    toy = Almanac(cron("30 1 * * *", when=ONCE_A_DAY, **NEW_YORK), "2026-10-31 12:00")
    toy.until("2026-11-02 12:00")
    assert toy.ticks == ["2026-11-01T05:30", "2026-11-02T06:30"]


def test_a_second_schedule_stands_in_for_the_skipped_hour() -> None:
    toy = Almanac(cron("30 2 * * *", "0 3 * * *", when=ONCE_A_DAY, **NEW_YORK), "2026-03-07 00:00")
    toy.until("2026-03-10 00:00")
    assert toy.ticks == ["2026-03-07T07:30", "2026-03-08T07:00", "2026-03-09T06:30"]


def test_the_zone_says_when_it_is_noon() -> None:
    toy = Almanac(cron("0 12 * * *", timezone="Asia/Tokyo", **KEEP), "2026-05-01 00:00")
    toy.until("2026-05-03 00:00")
    assert toy.ticks == ["2026-05-01T03:00", "2026-05-02T03:00"]


def test_a_missed_activation_is_made_up_for_within_its_deadline() -> None:
    """Every hour on the hour; the controller sleeps from 01:10 until 04:05. Only 04:00 counts."""
    toy = Almanac(cron("0 * * * *", startingDeadlineSeconds=600, **KEEP), "2026-05-01 00:30")
    toy.until("2026-05-01 01:10")
    assert toy.ticks == ["2026-05-01T01:00"]
    toy.asleep_until("2026-05-01 04:05")
    assert toy.ticks == ["2026-05-01T01:00", "2026-05-01T04:00"]


def test_a_missed_activation_beyond_its_deadline_is_gone() -> None:
    toy = Almanac(cron("0 * * * *", startingDeadlineSeconds=600, **KEEP), "2026-05-01 00:30")
    toy.until("2026-05-01 01:10")
    toy.asleep_until("2026-05-01 04:11")
    assert toy.ticks == ["2026-05-01T01:00"]
    toy.until("2026-05-01 05:01")
    assert toy.ticks == ["2026-05-01T01:00", "2026-05-01T05:00"]


def test_without_a_deadline_what_is_missed_is_gone() -> None:
    toy = Almanac(cron("0 * * * *", **KEEP), "2026-05-01 00:30")
    toy.until("2026-05-01 01:10").asleep_until("2026-05-01 04:01")
    assert toy.ticks == ["2026-05-01T01:00"]


def test_a_new_schedule_owes_nothing_for_the_time_before_it() -> None:
    toy = Almanac(cron("0 * * * *", startingDeadlineSeconds=7200, **KEEP), "2026-05-01 00:30")
    toy.until("2026-05-01 01:40")
    toy.change(schedules=["15 * * * *"])
    assert toy.ticks == ["2026-05-01T01:00"]
    toy.until("2026-05-01 02:20")
    assert toy.ticks == ["2026-05-01T01:00", "2026-05-01T02:15"]


def test_what_was_suspended_starts_no_activation_afterwards() -> None:
    toy = Almanac(cron("0 * * * *", suspend=True, **KEEP), "2026-05-01 00:30")
    toy.until("2026-05-01 02:10").change(suspend=False)
    assert toy.ticks == []
    toy.until("2026-05-01 03:10")
    assert toy.ticks == ["2026-05-01T03:00"]


def test_a_distance_counts_from_the_activation_before() -> None:
    toy = Almanac(cron("@every 20m", **KEEP), "2026-05-01 00:05")
    toy.until("2026-05-01 01:10")
    assert toy.ticks == ["2026-05-01T00:25", "2026-05-01T00:45", "2026-05-01T01:05"]


def test_the_thirtieth_of_february_never_comes() -> None:
    toy = Almanac(cron("0 0 30 2 *"), "2026-01-01 00:00")
    assert toy.waits == []
    assert not toy.complaint


@pytest.mark.parametrize(
    ("schedule", "fault"),
    [
        ("0 0 * * 7", "end of range (7) above maximum (6): 7"),
        ("0 0 * *", "expected exactly 5 fields, found 4"),
        ("@fortnightly", "unrecognized descriptor: @fortnightly"),
    ],
)
def test_what_is_no_schedule_is_said_in_a_condition(schedule: str, fault: str) -> None:
    toy = Almanac(cron(schedule), "2026-05-01 00:00")
    assert toy.complaint.startswith(f"SpecError: cron schedule {schedule} is malformed: ")
    assert fault in toy.complaint
    toy.change(schedules=["0 0 * * 0"])
    assert toy.complaint == ""


def test_a_schedule_may_name_its_zone() -> None:
    toy = Almanac(cron("CRON_TZ=Asia/Tokyo 0 12 * * *", **KEEP), "2026-05-01 00:00")
    toy.until("2026-05-02 00:00")
    assert toy.ticks == ["2026-05-01T03:00"]


def test_there_is_an_end_to_the_number_of_schedules() -> None:
    toy = Almanac(cron(*["* * * * *"] * 101), "2026-05-01 00:00")
    assert toy.complaint == "SpecError: cron workflow must have at most 100 schedules"
