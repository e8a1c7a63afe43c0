"""Time and chance in expressions: known where a decision has a present, and the same again."""

from __future__ import annotations

from datetime import UTC, datetime

from kinds.workflows.makers import call, echo, finish, node, started, steps, workflow
from sampan.kinds.workflows.language import tags
from sampan.kinds.workflows.language.expressions import CLOCK, Present

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DRAWN = "{{=sprig.randAlphaNum(8)}}"


def drawn(salt: str = "wf") -> list[str]:
    known = {CLOCK: Present(NOW, salt)}
    return list(tags.fill([DRAWN, DRAWN], known))


def test_draws_differ_and_a_decision_draws_the_same_again() -> None:
    one, other = drawn()
    assert one != other
    assert drawn() == [one, other]
    assert drawn("somebody else")[0] != one


def test_without_a_present_what_needs_one_waits() -> None:
    for source in (DRAWN, "{{=now().Year()}}", "{{=sprig.now().Year()}}"):
        assert tags.fill(source, {}) == source


def test_a_step_is_given_the_day() -> None:
    day = "{{=now().Format('2006-01-02')}} {{=sprig.date('Jan 2', now())}}"
    toy = finish(started(workflow(steps([call("a", "say", day=day)]), echo("say", "day"))))
    (given,) = node(toy, "a")["inputs"]["parameters"]
    assert given["value"] == "2026-01-01 Jan 1"
