"""Keys: how one object is named inside Sampan.

A kind is written with its group, `Deployment.apps`, and without one for the core group, `Pod`.
The version is left out on purpose: `v1` and `v1beta1` of one kind are the same object.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

Manifest = dict[str, Any]
"""A Kubernetes object as plain JSON. One read from a cluster is shared: never change it."""


class Key(Struct, frozen=True, order=True, gc=False):
    """Names one object. `namespace` is "" for objects of the whole cluster. There are many keys,
    and none can be part of a cycle: the collector does not walk them."""

    kind: str
    namespace: str
    name: str

    def as_kind(self, kind: str) -> Key:
        """The object of another kind with the same namespace and name."""
        return Key(kind, self.namespace, self.name)

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.namespace}/{self.name}"
            if self.namespace
            else f"{self.kind} {self.name}"
        )


def kind_of(api_version: str, kind: str) -> str:
    """`("apps/v1", "Deployment")` -> `"Deployment.apps"`; `("v1", "Pod")` -> `"Pod"`."""
    group, slash, _ = api_version.partition("/")
    return f"{kind}.{group}" if slash else kind


def split_kind(kind: str) -> tuple[str, str]:
    """`"Deployment.apps"` -> `("Deployment", "apps")`; `"Pod"` -> `("Pod", "")`."""
    name, _, group = kind.partition(".")
    return name, group


def key_of(manifest: Manifest) -> Key:
    """The key of a manifest that has apiVersion, kind and metadata.name."""
    meta = manifest["metadata"]
    return Key(
        kind_of(manifest["apiVersion"], manifest["kind"]), meta.get("namespace") or "", meta["name"]
    )
