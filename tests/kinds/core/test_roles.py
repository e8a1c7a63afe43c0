"""Aggregated ClusterRoles: the rules of all that their selectors choose."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sampan.kinds.core import roles
from sampan.kinds.core.types import Aggregated
from sampan.kube import names
from sampan.kube.keys import Key, Manifest
from sampan.kube.labels import matches, of
from sampan.kube.plan import NOTHING, Patch


def role(name: str, *rules: str, labels: Any = None, **more: Any) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": labels or {}},
        "rules": [{"verbs": [each]} for each in rules],
        **more,
    }


def aggregate(name: str, *rules: str, chosen: str = "yes", labels: Any = None) -> Manifest:
    selector = {"matchLabels": {"into": chosen}}
    rule = {"clusterRoleSelectors": [selector, selector]}
    return role(name, *rules, labels=labels, aggregationRule=rule)


class Roles:
    def __init__(self, *manifests: Manifest) -> None:
        self._held = {each["metadata"]["name"]: each for each in manifests}

    def get(self, key: Key) -> Manifest | None:
        return self._held.get(key.name)

    def select(self, kind: str, namespace: str = "", labels: Any = None) -> list[Manifest]:
        return [each for each in self._held.values() if matches(labels, of(each))]


def seen(view: Any, name: str) -> Aggregated | None:
    return roles.see(view, Key(names.CLUSTER_ROLE, "", name))


def test_what_is_chosen_is_taken_once_in_the_order_of_names() -> None:
    into = {"into": "yes"}
    view = Roles(
        role("b", "list", "get", labels=into), role("a", "get", labels=into), role("c", "watch"),
        aggregate("all", "old", labels=into),
    )  # fmt: skip
    found = seen(view, "all")
    assert found is not None
    (action,) = roles.decide(found).actions
    assert isinstance(action, Patch)
    assert action.patch == {"rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]}


def test_who_is_not_aggregated_is_left_alone() -> None:
    assert seen(Roles(role("a", "get")), "a") is None
    assert seen(Roles(), "gone") is None


@given(st.lists(st.sampled_from(["get", "list", "watch"]), max_size=5))
def test_a_second_look_changes_nothing(verbs: list[str]) -> None:
    part, whole = role("p", *verbs, labels={"into": "yes"}), aggregate("all")
    first = seen(Roles(part, whole), "all")
    assert first is not None
    for action in roles.decide(first).actions:
        assert isinstance(action, Patch)
        whole = whole | action.patch
    second = seen(Roles(part, whole), "all")
    assert second is not None
    assert roles.decide(second) == NOTHING
