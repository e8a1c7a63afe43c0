"""Owner references, finalizers, and the hash of names."""

from __future__ import annotations

import pytest

from sampan.kube import meta
from sampan.kube.keys import Key

OWNER = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "metadata": {"name": "rs", "namespace": "u", "uid": "1"},
}


def child(*references: meta.OwnerReference) -> meta.Manifest:
    where = {"name": "p", "namespace": "u", "ownerReferences": list(references)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": where}


def test_a_controller_is_an_owner_that_blocks() -> None:
    assert meta.controlled_by(OWNER) == {
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "1",
        "blockOwnerDeletion": True, "controller": True,
    }  # fmt: skip
    assert meta.owned_by(OWNER).keys() == {"apiVersion", "kind", "name", "uid"}


def test_the_controller_is_found_among_owners() -> None:
    other = {**meta.owned_by(OWNER), "uid": "2"}
    both = child(other, meta.controlled_by(OWNER))
    assert meta.controller_of(both) == meta.controlled_by(OWNER)
    assert meta.is_controlled_by(both, OWNER)
    assert meta.is_owned_by(child(meta.owned_by(OWNER)), OWNER)
    assert not meta.is_controlled_by(child(meta.owned_by(OWNER)), OWNER)
    assert meta.controller_of(child()) is None


@pytest.mark.parametrize(("namespaced", "namespace"), [(True, "u"), (False, "")])
def test_where_an_owner_would_be(namespaced: bool, namespace: str) -> None:
    key = meta.owner_key(child(), meta.owned_by(OWNER), namespaced=namespaced)
    assert key == Key("ReplicaSet.apps", namespace, "rs")


def test_finalizers_come_and_go_by_exact_patches() -> None:
    held = {"metadata": {"name": "a", "finalizers": ["x"], "resourceVersion": "7"}}
    assert meta.with_finalizer(held, "y") == {
        "metadata": {"finalizers": ["x", "y"], "resourceVersion": "7"}
    }
    assert meta.without_finalizer(held, "x") == {
        "metadata": {"finalizers": [], "resourceVersion": "7"}
    }
    assert held["metadata"]["finalizers"] == ["x"]


@pytest.mark.parametrize(
    ("text", "value"), [(b"", 0x811C9DC5), (b"a", 0xE40C292C), (b"foobar", 0xBF9CF968)]
)
def test_fnv32a(text: bytes, value: int) -> None:
    assert meta.fnv32a(text) == value
