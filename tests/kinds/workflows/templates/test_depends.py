"""Conditions over tasks: `depends` and `dependencies`."""

from __future__ import annotations

import pytest

from sampan.kinds.workflows.templates import depends

S, F, K = {"Succeeded"}, {"Failed"}, {"Skipped"}


@pytest.mark.parametrize(
    ("condition", "holding", "met"),
    [
        pytest.param("A && B", {"A": S, "B": S}, True, id="and"),
        pytest.param("A && B", {"A": S, "B": F}, False, id="and-not"),
        pytest.param("A || B", {"A": F, "B": S}, True, id="or"),
        pytest.param("A.Failed", {"A": F}, True, id="failed"),
        pytest.param("!A", {"A": F}, True, id="not"),
        pytest.param("A || B && C", {"A": S, "B": F, "C": F}, True, id="and-binds-tighter"),
        pytest.param("(A || B) && C", {"A": S, "B": F, "C": {"Errored"}}, False, id="brackets"),
        pytest.param("a-b.Succeeded", {"a-b": S}, True, id="hyphen"),
        pytest.param("A.Errored", {"A": {"Errored"}}, True, id="errored"),
        pytest.param("A", {"A": K}, True, id="skipped-is-good"),
        pytest.param("A", {"A": {"Omitted"}}, False, id="omitted-is-not"),
        pytest.param("A", {"A": {"Daemoned"}}, True, id="a-daemon-is-good"),
        pytest.param("A.Daemoned", {"A": S}, False, id="no-daemon"),
        pytest.param("A.AnySucceeded", {"A": {"Failed", "AnySucceeded"}}, True, id="any"),
        pytest.param("A.AllFailed", {"A": {"Failed"}}, False, id="not-all"),
        pytest.param("B", {"B": F}, False, id="a-failure"),
        pytest.param("C", {"C": F}, True, id="a-failure-that-continueOn-allows"),
        pytest.param("C", {"C": {"Errored"}}, False, id="an-error-that-continueOn-does-not"),
    ],
)
def test_a_condition_over_tasks(condition: str, holding: dict[str, set[str]], met: bool) -> None:
    tasks = {"C": {"name": "C", "continueOn": {"failed": True}}}
    assert depends.parse(condition, tasks)(holding) is met
    assert set(depends.words(condition)) == set(holding)


@pytest.mark.parametrize(
    ("condition", "mistake"),
    [
        ("A &&", "ends too early"),
        ("(A", "a bracket is not closed"),
        ("A B", "unexpected 'B'"),
        ("A.Done", "task result 'Done' for task 'A' is invalid"),
        ("A % B", "cannot be read at ' % B'"),
        ("(" * 5000, "brackets within brackets, too often"),
        ("!" * 5000 + "A", "brackets within brackets, too often"),
    ],
)
def test_a_condition_that_cannot_be_read(condition: str, mistake: str) -> None:
    with pytest.raises(depends.Mistake) as found:
        depends.parse(condition)
    assert str(found.value) == mistake


def test_dependencies_are_a_condition() -> None:
    assert depends.of({"dependencies": ["a", "b"]}) == "a && b"
    assert depends.of({}) == ""


def test_a_task_may_wait_for_very_many() -> None:
    names = [f"t{number}" for number in range(20_000)]
    test = depends.parse(depends.of({"dependencies": names}))
    assert test(dict.fromkeys(names, S))
