"""Memoized templates, in the toy cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import call, finish, leaf, node, started, status, steps, workflow
from sampan.kinds.workflows import COMPONENT
from sampan.kube.keys import Key, Manifest

LABEL = "workflows.argoproj.io/configmap-type"
CACHE = Key("ConfigMap", "u", "cache")
MEMO = {"key": "k-{{inputs.parameters.p}}", "cache": {"configMap": {"name": "cache"}}}
OUTPUTS = {"parameters": [{"name": "o", "value": "kept"}]}


def remembering(**more: Any) -> Manifest:
    inputs = {"parameters": [{"name": "p"}]}
    work = leaf(inputs=inputs, memoize={**MEMO, **more})
    return workflow(work, steps([call("a", p="1")]))


def cached(toy: Toy, key: str = "k-1", made: str = "2026-01-01T00:00:00Z", **about: Any) -> None:
    entry = {"nodeID": "n", "outputs": OUTPUTS, "creationTimestamp": made, "lastHitTimestamp": made}
    labels = about.get("labels", {LABEL: "Cache"})
    metadata = {"name": "cache", "namespace": "u", "labels": labels}
    toy.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
                "data": {key: about.get("text", json.dumps(entry))}})  # fmt: skip


def run(manifest: Manifest, toy: Toy) -> Toy:
    toy.create(manifest)
    toy.settle()
    return toy


def test_what_succeeds_is_kept() -> None:
    toy = finish(started(remembering()))
    assert node(toy, "a")["memoizationStatus"] == {"hit": False, "key": "k-1", "cacheName": "cache"}
    cache = toy.objects[CACHE]
    assert cache["metadata"]["labels"] == {LABEL: "Cache"}
    entry = json.loads(cache["data"]["k-1"])
    assert entry["nodeID"] == node(toy, "a")["id"]
    assert entry["outputs"] == {"exitCode": "0"}
    assert entry["creationTimestamp"] == entry["lastHitTimestamp"]


@pytest.mark.parametrize("template", ["work", "around"])
def test_what_was_kept_a_moment_ago_is_known(template: str) -> None:
    memo: dict[str, Any] = {"inputs": {"parameters": [{"name": "p"}]}, "memoize": MEMO}
    around = {**steps([call("deep", "deep")], name="around"), **memo}
    groups = [[call("a", template, p="1")], [call("b", template, p="1")]]
    toy = finish(started(workflow(leaf(**memo), leaf("deep"), around, steps(*groups))))
    assert [node(toy, each)["memoizationStatus"]["hit"] for each in ("a", "b")] == [False, True]
    assert node(toy, "b")["phase"] == "Succeeded"


def test_what_fails_is_not() -> None:
    toy = finish(started(remembering()), a="Failed")
    assert CACHE not in toy.objects


def test_what_is_known_is_not_run_again(empty: Toy) -> None:
    cached(empty)
    empty.time = empty.time.replace(hour=1)
    toy = run(remembering(), empty)
    found = node(toy, "a")
    assert (found["phase"], found["type"], found["outputs"]) == ("Succeeded", "Pod", OUTPUTS)
    assert found["memoizationStatus"]["hit"] is True
    assert status(toy)["phase"] == "Succeeded"
    assert toy.pods() == []
    entry = json.loads(toy.objects[CACHE]["data"]["k-1"])
    assert entry["lastHitTimestamp"] == "2026-01-01T01:00:00Z"
    assert entry["creationTimestamp"] == "2026-01-01T00:00:00Z"


def test_what_was_just_kept_spares_the_next_step() -> None:
    inputs = {"parameters": [{"name": "p"}]}
    work = leaf(inputs=inputs, memoize={**MEMO, "maxAge": "1h"})
    toy = finish(started(workflow(work, steps([call("a", p="1")], [call("b", p="1")]))))
    assert node(toy, "b")["memoizationStatus"]["hit"] is True
    assert status(toy)["phase"] == "Succeeded"
    entry = json.loads(toy.objects[CACHE]["data"]["k-1"])
    assert entry["nodeID"] == node(toy, "a")["id"]


@pytest.mark.parametrize(
    ("more", "key", "hit"),
    [
        ({}, "k-2", False),
        ({"maxAge": "10m"}, "k-1", False),
        ({"maxAge": "2h"}, "k-1", True),
    ],
)
def test_what_counts_as_known(empty: Toy, more: dict[str, Any], key: str, hit: bool) -> None:
    cached(empty, key)
    empty.time = empty.time.replace(hour=1)
    toy = run(remembering(**more), empty)
    assert node(toy, "a")["memoizationStatus"]["hit"] is hit


@pytest.mark.parametrize(
    ("more", "about", "why"),
    [
        ({"key": "no spaces"}, {}, "invalid cache key: no spaces"),
        ({"cache": {"configMap": {"name": "A b"}}}, {}, "invalid cache name 'A b': "),
        ({"maxAge": "10"}, {}, 'invalid maxAge: time: missing unit in duration "10"'),
        ({}, {"text": "{"}, "malformed cache entry: could not unmarshal JSON; unable to parse: "),
        ({}, {"labels": {}}, f"memoization configmap doesn't have {LABEL} label, refusing to use"),
        ({}, {"labels": {LABEL: "Parameter"}},
         f"memoization configmap doesn't have label {LABEL} = Cache, refusing to use it"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_cache_is_an_error(
    empty: Toy, more: dict[str, Any], about: dict[str, Any], why: str
) -> None:
    cached(empty, **about)
    toy = run(remembering(**more), empty)
    assert node(toy, "a")["phase"] == "Error"
    assert node(toy, "a")["message"].startswith(why)


def test_a_group_may_be_remembered(empty: Toy) -> None:
    cached(empty, "all")
    memo = {**MEMO, "key": "all"}
    toy = run(workflow(leaf(), steps([call("a")], memoize=memo)), empty)
    assert status(toy)["phase"] == "Succeeded"
    assert node(toy, "wf")["type"] == "Steps"
    assert toy.pods() == []


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("kind", ["pod", "steps"])
def test_the_cache_is_asked_once_the_lock_is_held(empty: Toy, kind: str, known: bool) -> None:
    empty.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
    if known:
        cached(empty, "all")
    more: dict[str, Any] = {
        "memoize": {**MEMO, "key": "all"},
        "synchronization": {"mutexes": [{"name": "m"}]},
    }
    locked = leaf("locked", **more)
    if kind == "steps":
        locked = steps([call("inner")], name="locked", **more)
    toy = finish(run(workflow(leaf(), locked, steps([call("a", "locked")])), empty))
    assert status(toy)["phase"] == "Succeeded"
    assert "synchronization" not in status(toy)
    found = node(toy, "a")
    assert found["memoizationStatus"]["hit"] is known
    assert "synchronizationStatus" not in found
    assert len(toy.pods()) == (0 if known else 1)
    assert "all" in toy.objects[CACHE]["data"]


@pytest.mark.parametrize("text", ["x" * (1 << 20), "ä" * (1 << 19)], ids=["ascii", "bytes"])
def test_a_cache_that_is_full_takes_no_more(empty: Toy, text: str) -> None:
    cached(empty, "other", text=text)
    toy = finish(run(remembering(), empty))
    assert status(toy)["phase"] == "Succeeded"
    assert list(toy.objects[CACHE]["data"]) == ["other"]
    assert "CacheFull" in [event.reason for event in toy.events]


@pytest.fixture
def empty() -> Toy:
    return Toy(COMPONENT)
