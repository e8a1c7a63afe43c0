"""What a selection means in Python."""

import pytest

from sampan.records.pipelines.selection import After, Predicate, Selection, page

ITEMS = [
    {"id": "a", "display_name": "Train", "created_at": 10, "state": "FAILED", "namespace": "n"},
    {"id": "b", "display_name": "train 50%", "created_at": 10, "state": "FAILED", "metric:f1": 0.5},
    {"id": "c", "display_name": "test", "created_at": 30, "state": "SUCCEEDED", "metric:f1": -1.0},
]


@pytest.mark.parametrize(
    ("predicate", "ids"),
    [
        pytest.param(Predicate("display_name", "EQUALS", "Train"), "a", id="equals"),
        pytest.param(Predicate("display_name", "NOT_EQUALS", "Train"), "bc", id="not-equals"),
        pytest.param(Predicate("display_name", "IS_SUBSTRING", "TRAIN"), "ab", id="substring"),
        pytest.param(Predicate("display_name", "IS_SUBSTRING", "50%"), "b", id="no-pattern"),
        pytest.param(Predicate("created_at", "GREATER_THAN", 10), "c", id="greater"),
        pytest.param(Predicate("created_at", "LESS_THAN_EQUALS", "10"), "ab", id="number-as-text"),
        pytest.param(Predicate("created_at", "EQUALS", "x"), "", id="no-number"),
        pytest.param(Predicate("created_at", "NOT_EQUALS", "x"), "abc", id="is-no-number"),
        pytest.param(Predicate("created_at", "GREATER_THAN", "x"), "", id="not-in-order"),
        pytest.param(Predicate("display_name", "LESS_THAN", 9), "", id="text-of-a-number"),
        pytest.param(Predicate("state", "IN", ("SUCCEEDED", "x")), "c", id="in"),
        pytest.param(Predicate("state", "IN", ()), "", id="in-nothing"),
        pytest.param(Predicate("namespace", "EQUALS", ""), "bc", id="missing-is-empty"),
    ],
)
def test_a_predicate_means(predicate, ids):
    found = page(ITEMS, Selection(predicates=(predicate,)), tie="id")
    assert [each["id"] for each in found.items] == list(ids)
    assert found.total == len(ids)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        pytest.param(Selection(), "abc", id="as-created"),
        pytest.param(Selection(descending=True), "cba", id="newest-first"),
        pytest.param(Selection(sort_by="metric:f1"), "cba", id="metric"),
        pytest.param(Selection(sort_by="metric:f1", descending=True), "bca", id="best-first"),
        pytest.param(Selection(sort_by="description"), "abc", id="missing"),
    ],
)
def test_pages_follow_each_other(wanted, ids):
    found, after = [], None
    while True:
        one = page(
            ITEMS, Selection(**{**as_dict(wanted), "page_size": 1, "after": after}), tie="id"
        )
        found += [each["id"] for each in one.items]
        assert one.total == len(ITEMS)
        if (after := one.after) is None:
            break
    assert found == list(ids)


def test_a_page_tells_where_it_ended():
    assert page(ITEMS, Selection(page_size=2), tie="id").after == After(10, "b")
    assert page(ITEMS, Selection(page_size=0), tie="id").after is None


def as_dict(wanted):
    return {name: getattr(wanted, name) for name in wanted.__struct_fields__}
