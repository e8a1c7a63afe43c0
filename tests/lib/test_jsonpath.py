"""JSONPath as kubectl speaks it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib import jsonpath

POD: dict[str, Any] = {
    "metadata": {"name": "p", "labels": {"a.b/c": "x", "d": "y"}},
    "spec": {"containers": [{"name": "m", "n": 1}, {"name": "s", "n": 2}]},
    "status": {
        "phase": "Running", "ready": True, "none": None,
        "conditions": [{"type": "Init", "status": "True"}, {"type": "Ready", "status": "False"}],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (".metadata.name", ["p"]), ("metadata.name", ["p"]), ("{.metadata.name}", ["p"]),
        ("$.metadata.name", ["p"]), ("{@.metadata.name}", ["p"]),
        (r".metadata.labels.a\.b/c", ["x"]), (".metadata.labels['a.b/c']", ["x"]),
        ('.metadata.labels["d"]', ["y"]), (".metadata.labels['d','a.b/c']", ["y", "x"]),
        (".spec.containers[0].name", ["m"]), (".spec.containers[-1].name", ["s"]),
        (".spec.containers[*].name", ["m", "s"]), (".spec.containers[1:].name", ["s"]),
        (".spec.containers[0,1].name", ["m", "s"]), (".spec.containers[::-1].n", [2, 1]),
        ('.status.conditions[?(@.type=="Ready")].status', ["False"]),
        ("{.status.conditions[?(@.type=='Ready')].status}", ["False"]),
        (".spec.containers[?(@.n>1)].name", ["s"]), (".spec.containers[?(@.n != 1)].name", ["s"]),
        (".spec.containers[?(@.nope)].name", []), (".spec.containers[?(@.n)].name", ["m", "s"]),
        (".spec.containers[?(@.name<1)].name", []), ("..phase", ["Running"]),
        ("..name", ["p", "m", "s"]), (".metadata.labels.*", ["x", "y"]),
        (".none.such", []), (".spec.containers[9]", []), (".status.none", [None]),
        (".", [POD]), (".spec.containers[?(@.name==$.metadata.name)]", []),
    ],
)  # fmt: skip
def test_finds(text: str, found: list[Any]) -> None:
    assert jsonpath.compile(text).find(POD) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{.metadata.name}: {.status.phase}\n", "p: Running\n"),
        ('{range .spec.containers[*]}{.name}{"\\t"}{.n}{"\\n"}{end}!', "m\t1\ns\t2\n!"),
        ("{.spec.containers[*].name}", "m s"), ("{.status.ready}{.status.none}", "true"),
        ("{.metadata.labels}", '{"a.b/c":"x","d":"y"}'),
        ("{range .spec.containers[*]}{range @.name}<{@}>{end}{end}", "<m><s>"),
        ("{'{'}{.metadata.name}{'}'}", "{p}"),
    ],
)  # fmt: skip
def test_renders(text: str, expected: str) -> None:
    assert jsonpath.compile(text).render(POD) == expected


@pytest.mark.parametrize(
    "text",
    ["{.a", "{range .a[*]}{.b}", "{end}", ".a[", ".a[?(@.b==)]", ".a['b]", ".a[x]", "{.a}}{",
     ".a b",
     ".a[::0]", "{.a[?(@.b=='c' && @.d)]}"],
)  # fmt: skip
def test_refuses(text: str) -> None:
    with pytest.raises(jsonpath.JsonPathError):
        jsonpath.compile(text)


@given(st.text("{}[]().*?@$'\"=<>!ab01:,\\ \nrangeend", max_size=30))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    try:
        path = jsonpath.compile(text)
    except jsonpath.JsonPathError:
        return
    path.render(POD)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a[?(@.n>1 && @.n<3)].n", [2]),
        ("$.a[?(@.n==1 || @.n>2 && @.ok)].n", [1, 3]),
        ("$.a[?(@.ok && @.n>2)].n", [3]),
    ],
)
def test_conditions_may_be_joined_where_the_caller_says_so(path: str, found: list[int]) -> None:
    value = {"a": [{"n": 1}, {"n": 2}, {"n": 3, "ok": True}]}
    assert jsonpath.compile(path, joined=True).find(value) == found


@pytest.mark.parametrize(
    ("path", "definite"),
    [
        ("$.a.b[0]", True), ("$['a.b']", True), ("$", True), ("$.a[*]", False), ("$..a", False),
        ("$.a[0:1]", False), ("$.a[0,1]", False), ("$.a[?(@.b)]", False), ("$.*", False),
    ],
)  # fmt: skip
def test_a_path_says_whether_it_names_one_value(path: str, definite: bool) -> None:
    assert jsonpath.compile(path).definite is definite
