"""JSON patch and merge patch never change what they are given."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kube import patches
from sampan.kube.errors import ApiStatus, BadRequest, Invalid, TooLarge

values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab~/", max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)  # fmt: skip
objects = st.dictionaries(st.text("ab~/", max_size=2), values, max_size=3)
DOCUMENT = {"a": {"b": 1}, "c": [1, 2, 3], "d/e": {"~f": 0}}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/x", "value": None}, {**DOCUMENT, "x": None}),
        ({"op": "add", "path": "/c/-", "value": 4}, {**DOCUMENT, "c": [1, 2, 3, 4]}),
        ({"op": "add", "path": "/c/1", "value": 9}, {**DOCUMENT, "c": [1, 9, 2, 3]}),
        ({"op": "remove", "path": "/c/-1"}, {**DOCUMENT, "c": [1, 2]}),
        ({"op": "replace", "path": "/d~1e/~0f", "value": 5}, {**DOCUMENT, "d/e": {"~f": 5}}),
        ({"op": "move", "from": "/c/0", "path": "/a/b"}, {**DOCUMENT, "a": {"b": 1}, "c": [2, 3]}),
        ({"op": "copy", "from": "/a", "path": "/c/0"}, {**DOCUMENT, "c": [{"b": 1}, 1, 2, 3]}),
        ({"op": "test", "path": "/a", "value": {"b": 1}}, DOCUMENT),
        ({"op": "test", "path": "/none", "value": None}, DOCUMENT),
        ({"op": "replace", "path": "", "value": {}}, {}),
    ],
    ids=lambda value: value.get("op") if isinstance(value, dict) else None,
)
def test_json_patch(operation: dict[str, Any], expected: Any) -> None:
    before = copy.deepcopy(DOCUMENT)
    assert patches.json_patch(DOCUMENT, [operation]) == expected
    assert before == DOCUMENT


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a/b", "value": 2}, {"op": "test", "path": "/a/b", "value": True},
        {"op": "remove", "path": "/none"}, {"op": "replace", "path": "/none", "value": 1},
        {"op": "add", "path": "/none/x", "value": 1}, {"op": "add", "path": "/c/9", "value": 1},
        {"op": "add", "path": "/c/x", "value": 1}, {"op": "add", "path": "a", "value": 1},
        {"op": "remove", "path": ""}, {"op": "jump", "path": "/a"}, {"op": "add", "path": "/a"},
        {"path": "/a"}, {"op": "move", "from": "/a", "path": "/a/x"}, {"op": "move", "path": "/a"},
        {"op": "add", "path": "/a/b/c", "value": 1}, {"op": "remove", "path": "/c/-"},
    ],
)  # fmt: skip
def test_operations_that_fail_are_invalid(operation: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        patches.json_patch(DOCUMENT, [operation])
    assert caught.value.message == "the server rejected our request due to an error in our request"


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"a": 1}, "object into Go value of type []handlers.jsonPatchOp"),
        ("x", "string into Go value of type []handlers.jsonPatchOp"),
        ([1], "number into Go value of type handlers.jsonPatchOp"),
        ([{"op": 1}], "number into Go struct field jsonPatchOp.op of type string"),
    ],
)  # fmt: skip
def test_what_is_no_patch_is_a_bad_request(patch: Any, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        patches.json_patch(DOCUMENT, patch)
    assert caught.value.message == "error decoding patch: json: cannot unmarshal " + message


def test_hostile_patches_are_refused() -> None:
    double = [{"op": "copy", "from": "", "path": f"/x{n}"} for n in range(64)]
    with pytest.raises(Invalid):
        patches.json_patch({"a": "x" * 100}, double)
    with pytest.raises(TooLarge):
        patches.json_patch({}, [{"op": "test", "path": ""}] * 10_001)


def test_copies_do_not_change_together() -> None:
    patch = [
        {"op": "add", "path": "/a/x", "value": 1},
        {"op": "copy", "from": "/a", "path": "/z"},
        {"op": "add", "path": "/z/y", "value": 2},
        {"op": "add", "path": "/a/w", "value": 3},
    ]
    made = patches.json_patch({"a": {}}, patch)
    assert made == {"a": {"x": 1, "w": 3}, "z": {"x": 1, "y": 2}}


def test_operations_own_values_are_left_alone() -> None:
    value: dict[str, Any] = {"k": []}
    made = patches.json_patch(
        {},
        [{"op": "add", "path": "/a", "value": value}, {"op": "add", "path": "/a/k/-", "value": 1}],
    )
    assert made == {"a": {"k": [1]}}
    assert value == {"k": []}


def test_untouched_parts_are_shared() -> None:
    assert (
        patches.json_patch(DOCUMENT, [{"op": "add", "path": "/x", "value": 1}])["c"]
        is DOCUMENT["c"]
    )
    assert patches.merge(DOCUMENT, {"x": 1})["c"] is DOCUMENT["c"]


@pytest.mark.parametrize(
    ("document", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}), ({"a": "b"}, {"a": None}, {}),
        ({"a": [1]}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}), ({"a": 1}, [1], [1]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1], {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
    ],
)  # fmt: skip
def test_merge(document: Any, patch: Any, expected: Any) -> None:
    assert patches.merge(document, patch) == expected


@given(objects, objects)
def test_diff_is_what_merge_needs(old: dict[str, Any], new: dict[str, Any]) -> None:
    before = copy.deepcopy((old, new))
    patch = patches.diff(old, new)
    assert patches.same(patches.merge(old, patch), new)
    assert (patch == {}) is patches.same(old, new)
    assert before == (old, new)


operations = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"])},
        optional={
            "path": st.text("/ab~01-", max_size=6),
            "from": st.text("/ab~01-", max_size=6),
            "value": values,
        },
    ),
    max_size=6,
)  # fmt: skip


@given(objects, operations)
def test_json_patch_never_changes_its_input(document: Any, patch: Any) -> None:
    before = copy.deepcopy((document, patch))
    with contextlib.suppress(ApiStatus):
        patches.json_patch(document, patch)
    assert before == (document, patch)
