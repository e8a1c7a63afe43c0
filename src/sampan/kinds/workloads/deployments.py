"""A Deployment's spec and its ReplicaSets, as the decisions read and write them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import count
from typing import Any

from msgspec import Struct

from sampan.kinds.workloads import revisions, rollout
from sampan.kinds.workloads.types import Conditions, view
from sampan.kube import meta, names, templates
from sampan.kube.conditions import get_condition
from sampan.kube.keys import Manifest

_NAME_LIMIT = 50
"""Leaves room for the digest here and for the letters of a pod's name behind it."""


class RollingUpdate(Struct, frozen=True, kw_only=True):
    maxSurge: int | str = "25%"
    maxUnavailable: int | str = "25%"


class Strategy(Struct, frozen=True, kw_only=True):
    type: str = "RollingUpdate"
    rollingUpdate: RollingUpdate | None = None


class Spec(Struct, frozen=True, kw_only=True):
    replicas: int = 1
    selector: dict[str, Any] = {}
    template: dict[str, Any] = {}
    strategy: Strategy = Strategy()
    minReadySeconds: int = 0
    revisionHistoryLimit: int = 10
    progressDeadlineSeconds: int = 600
    paused: bool = False

    @property
    def recreates(self) -> bool:
        return self.strategy.type == "Recreate"

    @property
    def limits(self) -> rollout.Limits:
        if self.recreates:
            return rollout.Limits(replicas=self.replicas, surge=0, unavailable=self.replicas)
        how = self.strategy.rollingUpdate or RollingUpdate()
        return rollout.limits(self.replicas, how.maxSurge, how.maxUnavailable)


class Replicas(Struct, frozen=True, kw_only=True):
    """One ReplicaSet. `desired` and `maximum` are the Deployment's figures at its last resize;
    `failure` is its condition that no more pods can be made."""

    name: str
    uid: str
    created: str
    asked: int
    template: Mapping[str, Any]
    annotations: Mapping[str, str]
    replicas: int = 0
    readyReplicas: int = 0
    availableReplicas: int = 0
    minReadySeconds: int = 0
    failure: Mapping[str, Any] | None = None

    @property
    def revision(self) -> int:
        return revisions.number(self.annotations.get(names.ANNOTATION_REVISION))

    @property
    def desired(self) -> int | None:
        return revisions.optional(self.annotations.get(names.ANNOTATION_DESIRED_REPLICAS))

    @property
    def maximum(self) -> int:
        return revisions.number(self.annotations.get(names.ANNOTATION_MAX_REPLICAS))

    @property
    def member(self) -> rollout.Member:
        return rollout.Member(
            name=self.name,
            asked=self.asked,
            available=self.availableReplicas,
            created=self.created,
        )


class Counts(Struct, frozen=True, kw_only=True):
    replicas: int = 0
    readyReplicas: int = 0
    availableReplicas: int = 0


class Status(Struct, frozen=True, kw_only=True):
    """The last word of a Deployment's status, to see what moved since."""

    updatedReplicas: int = 0
    replicas: int = 0
    readyReplicas: int = 0
    availableReplicas: int = 0
    conditions: Conditions = []
    collisionCount: int = 0


def look_replicas(manifest: Manifest) -> Replicas:
    about, spec = manifest["metadata"], manifest["spec"]
    counts = view(Counts, manifest.get("status"))
    asked = spec.get("replicas")
    return Replicas(
        name=about["name"],
        uid=about.get("uid") or "",
        created=about.get("creationTimestamp") or "",
        asked=1 if asked is None else asked,
        template=spec.get("template") or {},
        annotations=about.get("annotations") or {},
        replicas=counts.replicas,
        readyReplicas=counts.readyReplicas,
        availableReplicas=counts.availableReplicas,
        minReadySeconds=spec.get("minReadySeconds") or 0,
        failure=get_condition((manifest.get("status") or {}).get("conditions"), "ReplicaFailure"),
    )


def same_template(rs: Replicas, spec: Spec) -> bool:
    """Whether the ReplicaSet's pods are the Deployment's, the digest label apart."""
    if rs.template.get("spec") != spec.template.get("spec"):
        return False
    return _about(rs.template) == _about(spec.template)


def _about(template: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    given = template.get("metadata") or {}
    labels = dict(given.get("labels") or {})
    labels.pop(names.LABEL_POD_TEMPLATE_HASH, None)
    return labels, dict(given.get("annotations") or {})


def build(
    deployment: Manifest, spec: Spec, number: int, size: int, taken: Collection[str]
) -> Manifest:
    """The ReplicaSet of the present template. `taken` are names of the other ones."""
    name, digest = _named(meta.name_of(deployment), spec.template, taken)
    extra = {names.LABEL_POD_TEMPLATE_HASH: digest}
    about = spec.template.get("metadata") or {}
    labels = {**(about.get("labels") or {}), **extra}
    selector = {**spec.selector}
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), **extra}
    notes = {
        **revisions.inherited(meta.annotations_of(deployment)),
        **revisions.size_notes(spec.replicas, spec.limits.most),
        names.ANNOTATION_REVISION: str(number),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": meta.namespace_of(deployment),
            "labels": labels,
            "annotations": notes,
            "ownerReferences": [meta.controlled_by(deployment)],
        },
        "spec": {
            "replicas": size,
            "minReadySeconds": spec.minReadySeconds,
            "selector": selector,
            "template": {**spec.template, "metadata": {**about, "labels": labels}},
        },
    }


def _named(base: str, template: Mapping[str, Any], taken: Collection[str]) -> tuple[str, str]:
    """A name from the template's digest; another digest when two templates share one."""
    for salt in count():
        digest = templates.digest(template, *([salt] if salt else []))
        name = f"{base[:_NAME_LIMIT]}-{digest}"
        if name not in taken:
            return name, digest
    raise AssertionError("count() ends never")
