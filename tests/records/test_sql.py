"""The archive's statements, the same on each database, against what a selection means in Python."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.makers import workflow
from sampan.kube.selectors import LabelSelector, Requirement, parse_labels
from sampan.records.errors import ArchiveFailed
from sampan.records.selection import Selection, moment
from sampan.records.sql import Rows
from sampan.records.summary import summary

EVERYTHING = Selection()
LABELS = ({}, {"x": "1"}, {"x": "10", "Case": "Bar"}, {"x": "word"}, {"case": "bar"})
WORKFLOWS = [
    workflow(number, namespace="ab"[number % 2], labels=LABELS[number % 5]) for number in range(12)
] + [workflow(90, name="100%_done"), workflow(91, name="W1", startedAt=None, finishedAt=None)]


@pytest.fixture
def rows(database_url):
    found = Rows(database_url)
    for uid in found.uids(EVERYTHING):
        found.delete(uid)
    yield found
    found.close()


def meant(wanted):
    """What the selection means, in Python."""
    found = [each for each in WORKFLOWS if wanted.matches(each)]
    found.sort(key=lambda each: (each["metadata"]["namespace"], each["metadata"]["name"]))
    found.sort(key=lambda each: moment(each["status"]["startedAt"]), reverse=True)
    return [each["metadata"]["uid"] for each in found]


def test_what_is_kept_comes_back_whole(rows):
    rows.put(WORKFLOWS)
    kept = rows.get("uid-3", "", "")
    assert kept["metadata"]["labels"].pop("workflows.argoproj.io/workflow-archiving-status")
    assert kept == WORKFLOWS[3]
    assert rows.get("none", "", "") is None


def test_keeping_twice_keeps_once(rows):
    rows.put(WORKFLOWS)
    rows.put([workflow(3, namespace="b", labels={"new": "1"}, phase="Failed")])
    assert rows.count(EVERYTHING) == len(WORKFLOWS)
    assert rows.get("uid-3", "", "")["status"]["phase"] == "Failed"
    assert "new" in rows.label_keys("b")


def test_the_newest_of_a_name_is_meant(rows):
    rows.put([workflow(1, name="same"), workflow(5, name="same"), workflow(3, name="same")])
    assert rows.get("", "a", "same")["metadata"]["uid"] == "uid-5"
    assert rows.get("", "b", "same") is None


def test_summaries_have_no_nodes_and_keep_the_order(rows):
    rows.put(WORKFLOWS)
    found = rows.summaries(["uid-4", "gone", "uid-2"])
    assert [each["metadata"]["uid"] for each in found] == ["uid-4", "uid-2"]
    assert "nodes" not in found[0]["status"]
    assert "templates" not in found[0]["spec"]
    assert found[0]["status"] == summary(WORKFLOWS[4])["status"]


TIME = datetime(2026, 1, 6, 0, 0, 5, tzinfo=UTC)
SELECTIONS = [
    pytest.param(Selection(namespace="a"), id="namespace"),
    pytest.param(Selection(not_namespace="a"), id="not-namespace"),
    pytest.param(Selection(name="w1"), id="name"),
    pytest.param(Selection(name="w1", name_filter="NotEquals"), id="not-name"),
    pytest.param(Selection(name="1", name_filter="Contains"), id="contains"),
    pytest.param(Selection(name="%_d", name_filter="Contains"), id="contains-signs"),
    pytest.param(Selection(name="w_", name_filter="Prefix"), id="prefix-sign"),
    pytest.param(Selection(name="W", name_filter="Prefix"), id="prefix-minds-case"),
    pytest.param(Selection(name_prefix="w1"), id="name-prefix"),
    pytest.param(Selection(created_after=TIME), id="created"),
    pytest.param(Selection(started_from=TIME), id="started-from"),
    pytest.param(Selection(started_from=TIME.replace(microsecond=1)), id="within-a-second"),
    pytest.param(Selection(started_to=TIME), id="started-to"),
    pytest.param(Selection(finished_before=TIME), id="finished"),
    *(
        pytest.param(Selection(labels=parse_labels(text)), id=text)
        for text in ("x", "!x", "x=1", "x!=1", "x in (1, word)", "x notin (1, word)", "x>2",
                     "x<10", "Case=Bar", "case=Bar", "x,Case", "x=1,!Case")
    ),
]  # fmt: skip


@pytest.mark.parametrize("wanted", SELECTIONS)
def test_a_selection_means_the_same_in_sql(rows, wanted):
    rows.put(WORKFLOWS)
    assert rows.uids(wanted) == meant(wanted)
    assert rows.count(wanted) == len(meant(wanted))
    pages = [rows.uids(wanted.page(3, offset)) for offset in range(0, len(WORKFLOWS), 3)]
    assert [uid for page in pages for uid in page] == meant(wanted)


TERMS = st.builds(
    Requirement,
    st.sampled_from(["x", "case", "Case", "y"]),
    st.sampled_from(["in", "notin", "exists", "!"]),
    st.tuples(st.sampled_from(["1", "10", "word", "Bar", "bar"])),
) | st.builds(
    Requirement,
    st.just("x"),
    st.sampled_from(["gt", "lt"]),
    st.tuples(st.integers(-5, 20).map(str)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(TERMS, max_size=3), st.sampled_from(["", "a"]), st.sampled_from(["", "w", "W"]))
def test_any_label_selector_means_the_same_in_sql(tmp_path_factory, terms, namespace, name):
    rows = _filled(tmp_path_factory)
    wanted = Selection(
        namespace=namespace, name=name, name_filter="Prefix", labels=LabelSelector(tuple(terms))
    )
    assert rows.uids(wanted) == meant(wanted)


_FILLED = []


def _filled(tmp_path_factory):
    if not _FILLED:
        _FILLED.append(Rows(f"sqlite:///{tmp_path_factory.mktemp('records')}/records.db"))
        _FILLED[0].put(WORKFLOWS)
    return _FILLED[0]


def test_labels_are_told_by_namespace(rows):
    rows.put(WORKFLOWS[:4])
    assert rows.label_values("", "x") == ["1", "10", "word"]
    assert rows.label_values("a", "x") == ["10"]
    assert "Case" in rows.label_keys("a")
    assert "Case" not in rows.label_keys("b")


def test_what_has_expired_goes_with_its_labels(rows):
    rows.put(WORKFLOWS)
    before = len(meant(Selection(finished_before=datetime(2026, 1, 5, tzinfo=UTC))))
    assert rows.expire(datetime(2026, 1, 5, tzinfo=UTC)) == before > 0
    assert rows.count(EVERYTHING) == len(WORKFLOWS) - before
    assert rows.get("uid-0", "", "") is None
    rows.delete("uid-7")
    assert "uid-7" not in rows.uids(EVERYTHING)


def test_a_large_workflow_is_kept(rows):
    large = workflow(1, nodes={f"n{n}": {"id": f"n{n}", "message": "x" * 200} for n in range(8000)})
    rows.put([large])
    assert rows.get("uid-1", "", "")["status"] == large["status"]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("sqlite:////nowhere/at/all.db", id="no-directory"),
        pytest.param("postgresql+psycopg://x@127.0.0.1:1/x", id="nobody-there"),
        pytest.param("mysql+mysqldb://x@127.0.0.1:1/x", id="no-driver"),
        pytest.param("nonsense://", id="no-such-database"),
    ],
)
def test_a_database_that_cannot_be_reached_is_named(url):
    if "psycopg" in url:
        pytest.importorskip("psycopg")
    with pytest.raises(ArchiveFailed, match=r"archive|driver"):
        Rows(url)
