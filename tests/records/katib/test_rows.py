"""The contract of the log of observations, on each database."""

import pytest
import sqlalchemy as sa

from sampan.kube.searching import Metric
from sampan.records.errors import ArchiveFailed
from sampan.records.katib import rows as katib_rows
from sampan.records.katib.log import Entry, Full, Of, Wanted
from sampan.records.katib.rows import _META, Rows

TRIAL = Of("a", "t", "uid-t")
OTHER = Of("b", "t", "uid-o")
ALL = Wanted()


@pytest.fixture
def rows(database_url):
    engine = sa.create_engine(database_url)
    _META.drop_all(engine)
    engine.dispose()
    found = Rows(database_url)
    yield found
    found.close()


def test_a_log_is_in_the_order_of_its_times_and_then_of_its_coming(rows):
    rows.keep(TRIAL, [Entry(2, "m", "a"), Entry(1, "m", "b"), Entry(2, "m", "c")], "", 0)
    assert [each.value for each in rows.log(TRIAL.uid, ALL)] == ["b", "a", "c"]


def test_values_stay_the_texts_that_they_are(rows):
    texts = ["0.10", "1e-3", "", "NaN", "Genotype(normal=[('a', 1)])", "Zürich 🛶", "x" * 100_000]
    rows.keep(TRIAL, [Entry(n, "m", text) for n, text in enumerate(texts)], "", 0)
    assert [each.value for each in rows.log(TRIAL.uid, ALL)] == texts


def test_zero_bytes_are_left_out(rows):
    rows.keep(TRIAL, [Entry(0, "m\0", "1\0")], "", 0)
    assert rows.log(TRIAL.uid, ALL) == [Entry(0, "m", "1")]


@pytest.mark.parametrize(
    ("wanted", "values"),
    [
        pytest.param(Wanted(metric="m"), ["1", "2"], id="metric"),
        pytest.param(Wanted(metric="M"), ["4"], id="case counts"),
        pytest.param(Wanted(since=2), ["2", "3", "4"], id="since"),
        pytest.param(Wanted(until=2), ["1", "2"], id="until"),
        pytest.param(Wanted(metric="m", since=2, until=3), ["2"], id="all"),
        pytest.param(Wanted(metric="' or 1=1 --"), [], id="quotes"),
    ],
)
def test_a_part_of_a_log(rows, wanted, values):
    entries = [Entry(1, "m", "1"), Entry(2, "m", "2"), Entry(3, "n", "3"), Entry(4, "M", "4")]
    rows.keep(TRIAL, entries, "", 0)
    assert [each.value for each in rows.log(TRIAL.uid, wanted)] == values


def test_trials_of_the_same_name_have_logs_of_their_own(rows):
    rows.keep(TRIAL, [Entry(0, "m", "1")], "", 0)
    rows.keep(OTHER, [Entry(0, "m", "2")], "", 0)
    rows.delete([TRIAL.uid])
    assert rows.log(TRIAL.uid, ALL) == []
    assert rows.log(OTHER.uid, ALL) == [Entry(0, "m", "2")]


def test_what_a_source_tells_again_is_kept_once(rows):
    first = [Entry(n, "m", str(n)) for n in range(3)]
    assert rows.keep(TRIAL, first, "pod/0", 0) == 3
    assert rows.keep(TRIAL, first[1:], "pod/0", 1) == 0
    assert rows.keep(TRIAL, [first[2], Entry(3, "m", "3")], "pod/0", 2) == 1
    assert rows.keep(TRIAL, first, "pod/1", 0) == 3
    assert len(rows.log(TRIAL.uid, ALL)) == 7


def test_who_has_no_name_tells_nothing_twice(rows):
    assert rows.keep(TRIAL, [Entry(0, "m", "1")], "", 0) == 1
    assert rows.keep(TRIAL, [Entry(0, "m", "1")], "", 0) == 1


def test_who_has_no_name_is_not_kept_without_end(rows, monkeypatch):
    monkeypatch.setattr(katib_rows, "MOST", 10)
    assert rows.keep(TRIAL, [Entry(0, "m", "1")] * 4, "", 0) == 4
    assert rows.keep(TRIAL, [Entry(0, "m", "x" * 64 * 4)], "", 0) == 1
    with pytest.raises(Full, match="of trial t"):
        rows.keep(TRIAL, [Entry(0, "m", "1")] * 2, "", 0)
    assert rows.keep(TRIAL, [Entry(0, "m", "1")], "", 0) == 1
    assert rows.keep(OTHER, [Entry(0, "m", "1")], "", 0) == 1
    assert len(rows.log(TRIAL.uid, ALL)) == 6


def test_what_is_retracted_is_told_from_the_start(rows):
    rows.keep(TRIAL, [Entry(0, "m", "1")], "pod_a/0", 0)
    rows.keep(TRIAL, [Entry(0, "m", "2")], "podxa/0", 0)
    rows.keep(OTHER, [Entry(0, "m", "3")], "pod_a/0", 0)
    rows.retract(TRIAL.uid, "pod_a")
    assert [each.value for each in rows.log(TRIAL.uid, ALL)] == ["2"]
    assert len(rows.log(OTHER.uid, ALL)) == 1
    assert rows.keep(TRIAL, [Entry(0, "m", "4")], "pod_a/0", 0) == 1


def test_summaries_have_those_metrics_that_were_reported(rows):
    rows.keep(TRIAL, [Entry(1, "loss", "0.5"), Entry(1, "x", "1"), Entry(2, "loss", "0.7")], "", 0)
    rows.note(TRIAL.uid, "no line has acc")
    rows.note(OTHER.uid, "first")
    rows.note(OTHER.uid, "")
    found = rows.summaries([(TRIAL.uid, ["acc", "loss", "acc"]), (OTHER.uid, ["loss"]), ("?", [])])
    loss = Metric(name="loss", min="0.5", max="0.7", latest="0.7")
    assert found == [((loss,), "no line has acc"), ((), ""), ((), "")]


def test_series_of_many_trials(rows):
    for number in range(3):
        of = Of("a", f"t{number}", f"uid-{number}")
        rows.keep(of, [Entry(2, "m", f"{number}b"), Entry(1, "m", f"{number}a")], "", 0)
        rows.keep(of, [Entry(0, "n", "no")], "", 0)
    uids = [f"uid-{number}" for number in range(1, 1200)]
    assert rows.series(uids, "m") == {"uid-1": ["1a", "1b"], "uid-2": ["2a", "2b"]}


def test_only_what_is_of_present_trials_stays(rows):
    for of in (TRIAL, OTHER, Of("a", "u", "uid-u")):
        rows.keep(of, [Entry(0, "m", "1")], "", 0)
        rows.note(of.uid, "why")
    rows.keep_only(frozenset([OTHER.uid, "another"]))
    assert rows.log(TRIAL.uid, ALL) == []
    assert rows.summaries([(TRIAL.uid, ["m"]), ("uid-u", ["m"])]) == [((), ""), ((), "")]
    assert len(rows.log(OTHER.uid, ALL)) == 1


def test_a_batch_is_kept_whole_or_not_at_all(rows):
    broken = [Entry(0, "m", "1"), Entry(1 << 70, "m", "2")]
    with pytest.raises((ArchiveFailed, OverflowError)):
        rows.keep(TRIAL, broken, "s", 0)
    assert rows.log(TRIAL.uid, ALL) == []


def test_what_was_kept_is_there_after_a_restart(database_url, rows):
    rows.keep(TRIAL, [Entry(-62_135_596_800_000_000, "m", "1")], "s", 0)
    again = Rows(database_url)
    assert again.keep(TRIAL, [Entry(0, "m", "2")], "s", 0) == 0
    assert again.log(TRIAL.uid, ALL) == [Entry(-62_135_596_800_000_000, "m", "1")]
    again.close()
