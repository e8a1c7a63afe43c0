"""Names of locks, and notes about them that somebody else may have written."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.workflows.locks import requests
from sampan.kinds.workflows.locks.requests import Lock

A, B = Lock("mutex", "u/Mutex/a"), Lock("semaphore", "v/ConfigMap/m/k")
KEY = {"name": "m", "key": "k"}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"mutexes": [{"name": "a"}]}, ["u/Mutex/a"]),
        ({"mutexes": [{"name": "a/b", "namespace": "v"}]}, ["v/Mutex/a/b"]),
        ({"mutexes": [{"name": "a", "database": True}]}, ["u/Database/a"]),
        ({"semaphores": [{"configMapKeyRef": KEY}]}, ["u/ConfigMap/m/k"]),
        ({"semaphores": [{"database": {"key": "k"}, "namespace": "v"}]}, ["v/Database/k"]),
        (
            {"mutexes": [{"name": "a"}], "semaphores": [{"configMapKeyRef": KEY}]},
            ["u/ConfigMap/m/k", "u/Mutex/a"],
        ),
    ],
)
def test_a_lock_has_upstreams_name(body: dict[str, Any], names: list[str]) -> None:
    assert [lock.name for lock in requests.asked(body, "u")] == names


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"mutexes": [{"name": "a"}, {"name": "a"}]}, "duplicate synchronization item found"),
        ({"mutexes": [{}]}, "u/Mutex/ is no name of a lock"),
        (
            {"semaphores": [{"configMapKeyRef": {"name": "m", "key": "k/l"}}]},
            "u/ConfigMap/m/k/l is no name of a lock",
        ),
        (
            {"semaphores": [{"configMapKeyRef": KEY, "database": {"key": "k"}}]},
            "invalid semaphore with both ConfigMapKeyRef and Database",
        ),
    ],
)
def test_what_is_no_lock_is_named(body: dict[str, Any], why: str) -> None:
    with pytest.raises(requests.Mistake) as mistake:
        requests.asked(body, "u")
    assert str(mistake.value) == f"requested configuration is invalid: {why}"


def manifest(text: str | None = None, uid: str = "1") -> dict[str, Any]:
    annotations = {} if text is None else {"sampan.local/locks": text}
    return {"metadata": {"name": "a", "uid": uid, "annotations": annotations}}


def test_what_is_noted_can_be_read() -> None:
    wants = {"": (A,), "n": (B, A)}
    said = requests.noted(manifest(), wants)
    assert said["labels"] == {"sampan.local/locks": "true"}
    text = said["annotations"]["sampan.local/locks"]
    assert requests.read(manifest(text)) == {"": [A], "n": [B, A]}
    assert requests.all_of(manifest(text)) == {A, B}
    assert requests.noted(manifest(text), requests.read(manifest(text))) == {}
    assert requests.read(manifest(text, uid="of-a-copy")) == {}
    gone = requests.noted(manifest(text), {})
    assert gone == {
        "annotations": {"sampan.local/locks": None}, "labels": {"sampan.local/locks": None},
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"uid":"1"}', '{"uid":"1","locks":{"n":[{"kind":"mutex","name":"x"}]}}',
        '{"uid":"1","locks":{"n":[{"kind":"key","name":"u/Mutex/a"}]}}',
        '{"uid":"1","locks":{"n":[{"kind":"semaphore","name":"u/Mutex/a"}]}}',
    ],
)  # fmt: skip
def test_a_note_that_makes_no_sense_asks_for_nothing(text: str) -> None:
    assert requests.read(manifest(text)) == {}


@pytest.mark.parametrize(
    "status",
    [
        "x",
        {"mutex": []},
        {"mutex": {"holding": [{}]}},
        {"semaphore": {"holding": [{"semaphore": "s", "holders": 1}]}},
    ],
)
def test_a_status_that_makes_no_sense_holds_nothing(status: Any) -> None:
    assert requests.status_of({"synchronization": status}) == {}


def test_who_holds_what() -> None:
    status = {
        "mutex": {"holding": [{"mutex": A.name, "holder": "u/a"}]},
        "semaphore": {"holding": [{"semaphore": B.name, "holders": ["u/a", "u/b/n"]}]},
    }
    assert requests.held(requests.status_of({"synchronization": status}), "u/a") == {A, B}
    assert requests.held(status, "u/b/n") == {B}
    assert requests.holder_key("u", "a", "") == "u/a"
    assert requests.holder_key("u", "a", "n") == "u/a/n"
