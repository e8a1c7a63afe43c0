"""The ledger: exact at every moment, and never beyond its limits, whatever comes in what order."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from sampan.apiserver.quotas.ledger import Ledger
from sampan.apiserver.quotas.usage import usage
from sampan.kube import names, quantities
from sampan.kube.errors import Forbidden
from sampan.kube.keys import Key, Manifest

QUOTA = Key(names.RESOURCE_QUOTA, "u", "q")
LABELS = {names.POD: "pods", names.CONFIG_MAP: "configmaps", names.RESOURCE_QUOTA: "resourcequotas",
          names.PERSISTENT_VOLUME_CLAIM: "persistentvolumeclaims"}  # fmt: skip


class Things(Struct):
    """The newest state, as a dict."""

    held: dict[Key, Manifest] = {}

    def newest(self, key: Key) -> Manifest | None:
        return self.held.get(key)

    def contents(self, namespace: str) -> Iterable[Key]:
        return [key for key in self.held if key.namespace == namespace]

    def label(self, kind: str) -> str | None:
        return LABELS.get(kind)


class Sort(Struct):
    kind: str

    @property
    def label(self) -> str:
        return LABELS[self.kind]

    def forbidden(self, name: str, text: str) -> Forbidden:
        return Forbidden(f'{self.label} "{name}" is forbidden: {text}')


class World:
    """Writes as the backend makes them: admitted, queued, told."""

    def __init__(self, **hard: str) -> None:
        self.things = Things()
        self.told: list[Key] = []
        self.ledger = Ledger(self.things, self.told.append)
        self.limit(hard)

    def limit(self, hard: dict[str, str], **spec: Any) -> None:
        self.put(QUOTA, {"spec": {"hard": hard, **spec}})

    def put(self, key: Key, manifest: Manifest) -> None:
        old = self.things.held.get(key)
        manifest = {"metadata": {"namespace": key.namespace, "name": key.name}, **manifest}
        self.ledger.admit(Sort(key.kind), manifest, old)
        self.things.held[key] = manifest
        self.ledger.settle(key)

    def drop(self, key: Key) -> None:
        self.things.held.pop(key, None)
        self.ledger.settle(key)

    @property
    def used(self) -> dict[str, Fraction]:
        quota = self.ledger.get(QUOTA)
        assert quota is not None
        return quota.used


def pod(name: str, *, cpu: str = "", memory: str = "", phase: str = "", **spec: Any) -> Any:
    amounts = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    container = {"name": "m", "resources": {"requests": amounts, "limits": amounts}}
    found: Manifest = {"spec": {"containers": [container], **spec}}
    if phase:
        found["status"] = {"phase": phase}
    return Key(names.POD, "u", name), found


def test_a_pod_that_does_not_fit_is_refused_with_the_numbers() -> None:
    world = World(pods="1")
    world.put(*pod("a"))
    with pytest.raises(Forbidden) as caught:
        world.put(*pod("b"))
    assert caught.value.message == (
        'pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
    )


def test_everything_that_is_exceeded_is_named() -> None:
    world = World(cpu="500m", memory="1Gi", pods="10")
    world.put(*pod("a", cpu="300m", memory="512Mi"))
    with pytest.raises(
        Forbidden, match=r"requested: cpu=300m,memory=768Mi, used: cpu=300m,memory="
    ):
        world.put(*pod("b", cpu="300m", memory="768Mi"))


def test_what_is_limited_must_be_asked_for() -> None:
    world = World(**{"cpu": "1", "limits.memory": "1Gi"})
    with pytest.raises(Forbidden) as caught:
        world.put(*pod("a"))
    assert caught.value.message == (
        'pods "a" is forbidden: failed quota: q: must specify cpu for: m; limits.memory for: m'
    )


def test_a_pod_that_has_ended_gives_back_what_it_used_but_is_still_counted() -> None:
    world = World(**{"pods": "1", "cpu": "1", "count/pods": "5"})
    world.put(*pod("a", cpu="1"))
    world.put(*pod("a", cpu="1", phase="Succeeded"))
    assert world.used == {"pods": 0, "cpu": 0, "count/pods": 1}
    world.put(*pod("b", cpu="1"))


def test_a_growing_claim_is_charged_and_a_shrinking_one_is_not_refused() -> None:
    world = World(**{"requests.storage": "2Gi"})
    key = Key(names.PERSISTENT_VOLUME_CLAIM, "u", "c")

    def claim(size: str) -> Manifest:
        return {"spec": {"resources": {"requests": {"storage": size}}}}

    world.put(key, claim("1Gi"))
    world.put(key, claim("2Gi"))
    with pytest.raises(Forbidden, match=r"requested: requests\.storage=1Gi, used: r"):
        world.put(key, claim("3Gi"))
    world.limit({"requests.storage": "1Gi"})
    world.put(key, claim("2Gi"))
    assert world.used == {"requests.storage": 2 << 30}


def test_a_write_that_could_not_be_stored_is_given_back() -> None:
    world = World(pods="1")
    world.put(*pod("a"))
    world.drop(Key(names.POD, "u", "a"))
    assert world.used == {"pods": 0}


def test_a_quota_counts_what_was_there_before_it() -> None:
    world = World()
    world.put(*pod("a", cpu="1"))
    world.limit({"pods": "5", "cpu": "4", "resourcequotas": "1"})
    assert world.used == {"pods": 1, "cpu": 1, "resourcequotas": 1}


def test_nonsense_limits_nothing_and_counts_for_nothing() -> None:
    world = World(**{"pods": "many", "requests.storage": "1Gi"})
    world.put(*pod("a"))
    claim = {"spec": {}, "status": {"allocatedResources": {"storage": "junk"}}}
    world.put(Key(names.PERSISTENT_VOLUME_CLAIM, "u", "c"), claim)
    assert world.used == {"requests.storage": 0}


SCOPED = [
    pytest.param({"scopes": ["BestEffort"]}, {}, True, id="best effort"),
    pytest.param({"scopes": ["BestEffort"]}, {"cpu": "1"}, False, id="not best effort"),
    pytest.param({"scopes": ["NotBestEffort"]}, {"cpu": "1"}, True, id="wants not best effort"),
    pytest.param({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 0}, True, id="deadline"),
    pytest.param({"scopes": ["Terminating"]}, {}, False, id="no deadline"),
    pytest.param({"scopes": ["NotTerminating"]}, {}, True, id="wants no deadline"),
    pytest.param(
        {"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}},
        {"priorityClassName": "high"}, True, id="of the class",
    ),
    pytest.param(
        {"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}},
        {"priorityClassName": "low"}, False, id="of another class",
    ),
    pytest.param(
        {"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "Exists"}]}},
        {}, False, id="of no class",
    ),
    pytest.param(
        {"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"]}]}},
        {}, True, id="of no class is not of that",
    ),
    pytest.param(
        {"scopes": ["CrossNamespacePodAffinity"]},
        {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"namespaces": ["x"], "topologyKey": "y"}}]}}},
        True, id="looks into namespaces",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "about", "counted"), SCOPED)
def test_a_scope_chooses_its_pods(spec: Any, about: Any, counted: bool) -> None:
    world = World()
    world.limit({"pods": "5"}, **spec)
    world.put(*pod("a", **about))
    world.put(Key(names.CONFIG_MAP, "u", "c"), {})
    assert world.used == {"pods": int(counted)}


HARD = {"pods": "3", "requests.cpu": "1", "count/configmaps": "2", "configmaps": "2"}
KEYS = [Key(kind, "u", name) for kind in (names.POD, names.CONFIG_MAP) for name in "abcde"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "end", "delete", "lose", "again"]),
        st.sampled_from(KEYS),
        st.sampled_from(["100m", "0.5", "1", "250m"]),
    ),
    max_size=40,
)


@given(STEPS)
def test_used_is_exact_and_never_more_than_hard(steps: list[tuple[str, Key, str]]) -> None:
    world = World(**HARD)
    for act, key, cpu in steps:
        _, manifest = pod(key.name, cpu=cpu) if key.kind == names.POD else (key, {})
        there = key in world.things.held
        try:
            if act == "create" and not there:
                world.put(key, manifest)
            elif act == "end" and there and key.kind == names.POD:
                ended = world.things.held[key] | {"status": {"phase": "Failed"}}
                world.put(key, ended)
            elif act in ("delete", "lose") and there:
                world.drop(key)
            elif act == "again":
                world.ledger.settle(key)
        except Forbidden:
            assert (key in world.things.held) is there
        expected = dict.fromkeys(HARD, Fraction(0))
        for held, each in world.things.held.items():
            for limit, number in usage(LABELS[held.kind], each).items():
                if limit in expected:
                    expected[limit] += number
        assert world.used == expected
        assert all(world.used[limit] <= quantities.parse(HARD[limit]) for limit in HARD)
