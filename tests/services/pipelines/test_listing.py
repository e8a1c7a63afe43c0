"""What the query of a list means."""

import base64
import json

import pytest

from sampan.records.pipelines.selection import After, Predicate
from sampan.services.errors import Refused
from sampan.services.pipelines import listing

EQUALS_A = {"operation": "EQUALS", "key": "name", "string_value": "a"}


def asked(listed=listing.RUNS, *predicates, version="v2beta1", **query):
    if predicates:
        query["filter"] = json.dumps({"predicates": predicates})
    return listing.asked(lambda name: query.get(name, ""), listed, version=version)


def test_without_a_word_the_oldest_come_first():
    found = asked()
    assert (found.sort_by, found.descending, found.page_size) == ("created_at", False, 20)
    assert (found.predicates, found.after) == ((), None)


@pytest.mark.parametrize(
    ("given", "size"), [("", 20), ("0", 20), ("1", 1), ("200", 200), ("201", 200)]
)
def test_a_page_has_a_size(given, size):
    assert asked(page_size=given).page_size == size


@pytest.mark.parametrize(
    ("sort", "key", "descending"),
    [
        ("name", "display_name", False),
        ("NAME DESC", "display_name", True),
        ("  created_at   asc ", "created_at", False),
        ("metric:Log-Loss desc", "metric:Log-Loss", True),
    ],
)
def test_a_list_is_in_order_of_a_key(sort, key, descending):
    found = asked(sort_by=sort)
    assert (found.sort_by, found.descending) == (key, descending)


@pytest.mark.parametrize(
    ("predicate", "wanted"),
    [
        ({"operation": 1, "key": "id", "stringValue": "x"}, Predicate("run_id", "EQUALS", "x")),
        ({"operation": "IN", "key": "state", "string_values": {"values": ["a", "b"]}},
         Predicate("state", "IN", ("a", "b"))),
        ({"operation": 5, "key": "created_at", "timestamp_value": "1970-01-01T00:01:00Z"},
         Predicate("created_at", "GREATER_THAN_EQUALS", 60)),
        ({"operation": 6, "key": "created_at", "long_value": "7"},
         Predicate("created_at", "LESS_THAN", 7)),
        ({"operation": "IS_SUBSTRING", "key": "name", "string_value": "%"},
         Predicate("display_name", "IS_SUBSTRING", "%")),
    ],
)  # fmt: skip
def test_a_predicate_goes_by_names_and_numbers(predicate, wanted):
    assert asked(listing.RUNS, predicate).predicates == (wanted,)


def test_a_filter_may_be_quoted_once_more():
    quoted = "%7B%22predicates%22%3A%5B%5D%7D"
    assert asked(filter=quoted).predicates == ()


def test_the_first_version_calls_the_operation_op():
    predicate = {"op": "EQUALS", "key": "name", "string_value": "a"}
    found = asked(listing.RUNS, predicate, version="v1beta1")
    assert found.predicates == (Predicate("display_name", "EQUALS", "a"),)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"page_size": "-1"}, "The page size should be greater than 0. Got -1"),
        ({"page_size": "x"}, "expected a whole number"),
        ({"sort_by": "nothing"}, 'Invalid sorting field: "nothing" on listable type Run'),
        ({"sort_by": "name up"}, "Received invalid sort by format"),
        ({"sort_by": "name asc desc"}, "Received invalid sort by format"),
        ({"sort_by": "metric:a b"}, "Received invalid sort by format"),
        ({"sort_by": "metric:1;"}, "Invalid metric name"),
        ({"filter": "nonsense"}, "failed to parse valid filter"),
        ({"filter": "[]"}, "failed to parse valid filter"),
        ({"filter": '{"what":1}'}, 'unknown field "what"'),
        ({"page_token": "nonsense"}, "Invalid page token"),
        ({"page_token": "e30="}, "Invalid page token"),
    ],
)
def test_what_cannot_be_meant_is_refused(query, said):
    with pytest.raises(Refused) as raised:
        asked(**query)
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "colour"}, 'no support for filtering on unrecognized field "colour"'),
        ({"key": "tags.x"}, "unrecognized field"),
        ({"operation": 0}, "invalid predicate operation"),
        ({"operation": 4}, "invalid value for enum field"),
        ({"operation": "IN"}, "cannot use IN operator with scalar type string"),
        ({"string_value": None}, "has no value"),
        ({"string_value": None, "int_values": {"values": [1]}},
         "cannot use scalar operator EQUALS on array type"),
        ({"string_value": None, "int_value": 1, "operation": 9},
         "cannot use non string value type int32"),
        ({"int_value": 1}, "only one of"),
    ],
)  # fmt: skip
def test_a_predicate_that_makes_no_sense_is_refused(change, said):
    with pytest.raises(Refused) as raised:
        asked(listing.RUNS, {**EQUALS_A, **change})
    assert said in raised.value.message


def test_a_token_leads_on_with_the_same_order_and_filter():
    first = asked(listing.PIPELINES, EQUALS_A, sort_by="name desc", page_size="3")
    token = listing.token(first, After("a", "id"))
    following = asked(listing.PIPELINES, page_token=token, page_size="5")
    assert (following.predicates, following.sort_by) == (first.predicates, "name")
    assert (following.after, following.page_size) == (After("a", "id"), 5)
    same = asked(listing.PIPELINES, EQUALS_A, sort_by="name desc", page_token=token)
    assert same.after == After("a", "id")
    with pytest.raises(Refused, match="page token does not match"):
        asked(listing.PIPELINES, EQUALS_A, sort_by="name", page_token=token)
    assert listing.token(first, None) == ""


def test_a_token_of_another_list_or_of_somebody_s_making_is_refused():
    token = listing.token(asked(sort_by="finished_at"), After(1, "id"))
    with pytest.raises(Refused, match="Invalid page token"):
        asked(listing.PIPELINES, page_token=token)
    made = base64.b64encode(b'{"sort_by":"1;drop","descending":false,'
                            b'"predicates":[],"after":{"value":1,"tie":"x"}}')  # fmt: skip
    with pytest.raises(Refused, match="Invalid page token"):
        asked(page_token=made.decode())
