"""What holds whatever time, children and crashes do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.toy import Toy
from kinds.workflows.cron.almanac import CRON, Almanac, cron
from sampan.kube.times import parse

MOVES = st.one_of(
    st.tuples(st.just("pass"), st.integers(1, 200)),
    st.tuples(st.just("end"), st.sampled_from(["Succeeded", "Failed", "Error"])),
    st.tuples(st.just("suspend"), st.booleans()),
    st.tuples(st.just("crash"), st.just(0)),
)
DONE = ("Succeeded", "Failed", "Error")


def running(toy: Toy) -> list[str]:
    return [
        w["metadata"]["name"]
        for w in toy.select("Workflow.argoproj.io", "u")
        if (w.get("status") or {}).get("phase") not in DONE and not w["spec"].get("shutdown")
    ]


def move(toy: Almanac, what: str, how: int | str) -> None:
    match what:
        case "pass":
            toy.time += timedelta(seconds=int(how))
            toy.settle()
        case "end":
            for name in running(toy)[:1]:
                toy.ends(name, str(how))
        case "suspend":
            toy.change(suspend=bool(how))
        case "crash":  # between the Workflow and the status that tells of it
            last = toy.status.get("lastScheduledTime")
            if last and toy.status.get("active"):
                before = (parse(last) - timedelta(seconds=60)).isoformat()
                toy.patch(CRON, {"status": {"lastScheduledTime": before, "active": []}})
                toy.settle()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(MOVES, max_size=25),
    st.sampled_from(["Allow", "Forbid", "Replace"]),
    st.none() | st.integers(0, 100),
)
def test_an_activation_has_one_workflow_and_each_is_counted_once(
    moves: list[tuple[str, int | str]], policy: str, deadline: int | None
) -> None:
    spec = {"successfulJobsHistoryLimit": 99, "failedJobsHistoryLimit": 99}
    manifest = cron("* * * * *", concurrencyPolicy=policy, startingDeadlineSeconds=deadline, **spec)
    toy = Almanac(manifest, "2026-05-01 00:00")
    for what, how in moves:
        move(toy, what, how)
        assert policy == "Allow" or len(running(toy)) <= 1
    assert len(set(toy.ticks)) == len(toy.ticks)
    assert all(tick <= toy.time.isoformat()[:16] for tick in toy.ticks)
    over = [
        w["status"]["phase"]
        for w in toy.select("Workflow.argoproj.io", "u")
        if (w.get("status") or {}).get("phase") in DONE
    ]
    counted = toy.status.get("succeeded", 0), toy.status.get("failed", 0)
    assert counted == (over.count("Succeeded"), len(over) - over.count("Succeeded"))
    assert not toy.complaint
