from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib import gjson

POD: dict[str, Any] = {
    "metadata": {"labels": {"app.kubernetes.io/name": "web"}},
    "status": {
        "phase": "Running",
        "replicas": 3,
        "conditions": [
            {"type": "Initialized", "status": "True", "n": 1},
            {"type": "Ready", "status": "False", "n": 2.5, "tags": ["a", "b"]},
            {"type": "Late", "status": None, "n": 40, "tags": ["b"]},
        ],
        "hosts": ["node-1", "node-2", "spare"],
        "mixed": [0, 1, "0", "TRUE", True, False, None, [1], {"k": 1}],
    },
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("status.phase", "Running", id="keys"),
        pytest.param("status.conditions.1.status", "False", id="index"),
        pytest.param("status.hosts.9", None, id="beyond-the-end"),
        pytest.param("status.phase.deeper", None, id="into-a-text"),
        pytest.param(r"metadata.labels.app\.kubernetes\.io/name", "web", id="escaped-dots"),
        pytest.param("status.repl*", 3, id="star"),
        pytest.param("status.ph?se", "Running", id="question-mark"),
        pytest.param(r"status.ph\?se", None, id="escaped-question-mark"),
        pytest.param("status.conditions.#", 3, id="count"),
        pytest.param("status.conditions.#.type", ["Initialized", "Ready", "Late"], id="each"),
        pytest.param("status.conditions.#.tags.0", ["a", "b"], id="only-where-it-is"),
        pytest.param("status.conditions.#.tags|1", ["b"], id="pipe-is-about-the-list"),
        pytest.param('status.conditions.#(type=="Ready").n', 2.5, id="first-that-fits"),
        pytest.param("status.conditions.#(type=Ready).n", 2.5, id="without-quotes"),
        pytest.param("status.conditions.#(n>=2.5)#.type", ["Ready", "Late"], id="all-that-fit"),
        pytest.param("status.conditions.#(n>=2.5)#|0.type", "Ready", id="first-of-all"),
        pytest.param("status.conditions.#(n>99)#", [], id="none-fits"),
        pytest.param("status.conditions.#(n>99)", None, id="no-first"),
        pytest.param("status.conditions.#(tags)#.n", [2.5, 40], id="existence"),
        pytest.param('status.conditions.#(tags.#(=="a")).n', 2.5, id="query-in-query"),
        pytest.param('status.hosts.#(%"node-*")#', ["node-1", "node-2"], id="like"),
        pytest.param('status.hosts.#(!%"node-*")', "spare", id="unlike"),
        pytest.param("status.hosts.#(>node-1)#", ["node-2", "spare"], id="texts-have-an-order"),
        pytest.param("status.mixed.#(==~true)#", [1, "TRUE", True], id="as-good-as-true"),
        pytest.param("status.mixed.#(==~false)#", [0, "0", False, None], id="as-good-as-false"),
        pytest.param("status.mixed.#(==~null)#", [None], id="nothing"),
        pytest.param("status.@this.phase", "Running", id="itself"),
        pytest.param("status.[phase,replicas,none]", ["Running", 3], id="several"),
        pytest.param("status.[@this].#(phase==Running)#|0.replicas", 3, id="a-list-of-itself"),
        pytest.param('status.[conditions.#(type=="Ready").n,phase]|0', 2.5, id="query-in-list"),
        pytest.param("none.[@this]", None, id="several-of-nothing"),
        pytest.param("status.mixed.#(<true)#", ["0", "TRUE", False], id="truth-has-an-order"),
    ],
)
def test_paths(path: str, value: Any) -> None:
    assert gjson.get(POD, path) == value


def test_null_is_there_and_nothing_is_not() -> None:
    assert gjson.look(POD, "status.conditions.2.status") is None
    assert gjson.look(POD, "status.conditions.3.status") is gjson.MISSING


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (gjson.MISSING, ""), (True, "true"), (7, "7"), (1.5, "1.5"), (2.0, "2"),
     (1e21, "1000000000000000000000"), ("a", "a"), ({"a": [1]}, '{"a":[1]}')],
)  # fmt: skip
def test_values_as_text(value: Any, text: str) -> None:
    assert gjson.text_of(value) == text


@pytest.mark.parametrize(
    "path",
    ["@reverse", "a.@this:1", "a.!true", "{a,b}", "[a", "[a,]", "[a]b", "[{a}]", "..a", "#(a"],
)
def test_what_is_not_supported_is_a_mistake(path: str) -> None:
    with pytest.raises(gjson.Mistake):
        gjson.get(POD, path)


def test_patterns_do_not_run_away() -> None:
    assert gjson.get({"a" * 5000: 1}, "*a" * 20 + "b") is None


def test_a_path_has_an_end() -> None:
    with pytest.raises(gjson.Mistake, match="at most"):
        gjson.get(POD, ".".join("a" * 500))
    with pytest.raises(gjson.Mistake, match="at most"):
        gjson.get(POD, "[" * 5000 + "a" + "]" * 5000)


PIECES = st.sampled_from(["status", "conditions", "type", "hosts", "#", "#(", ")", "1", ".", "|",
                          "*", "?", "\\", '"', "==", "~true", ">", "%", "@", "x",
                          "@this", "[", "]", ","])  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
def test_any_path_is_followed_or_a_mistake(path: str) -> None:
    with contextlib.suppress(gjson.Mistake):
        assert isinstance(gjson.text_of(gjson.look(POD, path)), str)
