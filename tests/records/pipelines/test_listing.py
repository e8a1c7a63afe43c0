"""A selection means in SQL what it means in Python, on each database, page by page."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from records.pipelines.makers import artifact, gives, run, task
from sampan.kube.errors import BadRequest
from sampan.records.pipelines import reading
from sampan.records.pipelines.selection import RUN_KEYS, After, Predicate, Selection, page

NAMES = ("Train", "train 50%", "a_b", "", "Zürich", "x'; --", "10")
STATES = ("SUCCEEDED", "FAILED", "RUNNING", "PENDING")


def made(number):
    metrics = [{}, {"f1": number % 4 / 4}, {"f1": -1.5, "Log-loss": number}][number % 3]
    tasks = {
        "": task("root", of=number, type="Dag"),
        "t": task(
            "t", of=number, **gives(m=artifact("m", type="system.Metrics", metadata=metrics))
        ),
    }
    spec = {
        "displayName": NAMES[number % len(NAMES)] or f"Run {number}",
        "description": NAMES[number * 3 % len(NAMES)],
        "experimentId": f"e{number % 3}",
        "recurringRunId": "r" if number % 5 == 0 else "",
        "storageState": "ARCHIVED" if number % 4 == 0 else "AVAILABLE",
    }
    state, namespace = STATES[number % 4], "ab"[number % 2]
    return run(number // 2 * 10, tasks=tasks, state=state, namespace=namespace, **spec)


def distinct(number):
    found = made(number)
    found["metadata"] |= {
        "uid": f"u{number}", "name": f"n{number}", "labels": {"pipeline/runid": f"i{number:02}"},
    }  # fmt: skip
    return found


RUNS = [distinct(number) for number in range(30)]


def item(number, manifest):
    row = reading.row_of(manifest)
    metrics = {}
    for entry in row.tasks.values():
        for found in entry.get("outputs", {}).get("artifacts", {}).values():
            metrics |= {f"metric:{name}": value for name, value in found[0]["metadata"].items()}
    return {
        **{key: row.columns[name] for key, name in RUN_KEYS.items()},
        **metrics,
        "number": number,
    }


ITEMS = [item(number, manifest) for number, manifest in enumerate(RUNS, start=1)]
VALUES = sorted(
    {str(value) for each in ITEMS for value in each.values()} | {"RAIN", "%", "é", "-1", "9" * 30}
)
values = st.one_of(
    st.sampled_from(VALUES), st.sampled_from([each["created_at"] for each in ITEMS]),
    st.integers(-(2**63), 2**63 - 1),
)  # fmt: skip
scalars = st.builds(
    Predicate,
    st.sampled_from(sorted(RUN_KEYS)),
    st.sampled_from(
        ["EQUALS", "NOT_EQUALS", "GREATER_THAN", "GREATER_THAN_EQUALS", "LESS_THAN",
         "LESS_THAN_EQUALS"]
    ),
    values,
)  # fmt: skip
several = st.builds(
    Predicate,
    st.sampled_from(sorted(RUN_KEYS)),
    st.just("IN"),
    st.lists(values, max_size=4).map(tuple),
)
texts = ("display_name", "description", "run_id", "state", "status", "namespace")
substrings = st.builds(
    Predicate, st.sampled_from(texts), st.just("IS_SUBSTRING"), st.sampled_from(VALUES)
)
selections = st.builds(
    Selection,
    namespace=st.sampled_from(["", "", "a", "c"]),
    experiment_id=st.sampled_from(["", "", "e1"]),
    predicates=st.lists(st.one_of(scalars, several, substrings), max_size=3).map(tuple),
    sort_by=st.sampled_from(
        [*sorted(set(RUN_KEYS.values())), "metric:f1", "metric:Log-loss", "metric:no"]
    ),
    descending=st.booleans(),
    page_size=st.sampled_from([0, 1, 3, 7, 200]),
)


def pages(ask, wanted):
    """(ids, totals) of all pages."""
    ids, totals = [], set()
    while True:
        found, total, after = ask(wanted)
        ids.append(found)
        totals.add(total)
        if after is None:
            return ids, totals
        wanted = replace(wanted, after=after)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(selections, min_size=4, max_size=4))
def test_sql_means_what_python_means(rows, wanted):
    rows.keep([(each, True) for each in RUNS])

    def in_sql(selection):
        found, total, after = rows.runs(selection)
        return [each["metadata"]["labels"]["pipeline/runid"] for each in found], total, after

    def in_python(selection):
        found = page(ITEMS, selection, tie="number")
        return [each["run_id"] for each in found.items], found.total, found.after

    for each in wanted:
        assert pages(in_sql, each) == pages(in_python, each)


def test_runs_of_a_second_come_in_the_order_in_which_they_came_to_be(rows):
    rows.keep([(each, True) for each in reversed(RUNS[:2])])
    assert RUNS[0]["metadata"]["creationTimestamp"] == RUNS[1]["metadata"]["creationTimestamp"]
    found, _, _ = rows.runs(Selection())
    assert [each["metadata"]["uid"] for each in found] == ["u1", "u0"]


def test_a_page_holds_though_runs_are_deleted_and_added(rows):
    rows.keep([(each, True) for each in RUNS[:6]])
    first, _, after = rows.runs(Selection(page_size=2))
    assert [each["metadata"]["uid"] for each in first] == ["u0", "u1"]
    rows.delete("u1")
    rows.keep([(RUNS[6], True)])
    second, total, _ = rows.runs(Selection(page_size=2, after=after))
    assert [each["metadata"]["uid"] for each in second] == ["u2", "u3"]
    assert total == 6


MANY = tuple(map(str, range(10_001)))
VALUES, RUN = Predicate("run_id", "IN", MANY), Predicate("run_id", "EQUALS", "")


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        pytest.param({"after": After("x", 1)}, "page token", id="text-for-a-time"),
        pytest.param({"after": After(1, "x")}, "page token", id="text-for-a-number"),
        pytest.param({"after": After(2**70, 1)}, "page token", id="huge"),
        pytest.param({"after": After(None, 1)}, "page token", id="nothing"),
        pytest.param({"after": After(1, 1), "sort_by": "display_name"}, "page token", id="number"),
        pytest.param(
            {"after": After(None, "x"), "sort_by": "metric:f1"}, "page token", id="metric"
        ),
        pytest.param({"predicates": (VALUES,)}, "10000 values", id="values"),
        pytest.param({"predicates": (RUN,) * 101}, "100 predicates", id="predicates"),
    ],
)
def test_what_no_database_could_answer_is_refused(rows, wanted, fault):
    with pytest.raises(BadRequest, match=fault):
        rows.runs(Selection(**wanted))


def test_a_filter_of_many_words_is_answered(rows):
    rows.keep([(RUNS[0], True)])
    longest = Predicate("display_name", "IS_SUBSTRING", "%" * 60_000)
    assert rows.runs(Selection(predicates=(longest,)))[1] == 0
    ids = Predicate("run_id", "IN", ("i00", *MANY[2:]))
    assert rows.runs(Selection(predicates=(ids,)))[1] == 1
    several = (Predicate("run_id", "NOT_EQUALS", "x"),) * 100
    assert rows.runs(Selection(predicates=several))[1] == 1


@pytest.mark.parametrize("key", ["task_id", "name", "state", "type", "created_at", "end_time"])
def test_tasks_can_be_sorted(rows, key):
    rows.keep([(RUNS[0], True)])
    found, total, _ = rows.tasks(Selection(sort_by=key), "i00", "")
    assert {each["entry"]["name"] for each in found} == {"root", "t"}
    assert total == 2
