"""The PersistentVolumeClaims of a StatefulSet: made once per ordinal, kept or given up by policy.

A claim that is to go with the set names the set as its owner; one that is to go with its ordinal
names the pod that is being removed. The garbage collector does the rest. Upstream: kubernetes
pkg/controller/statefulset/stateful_set_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workloads.statefulsets import Members, claim_name, pod_name
from sampan.kinds.workloads.types import Pod
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Apply, Patch


def missing(members: Members, ordinal: int) -> Iterator[Action]:
    """The claims that a pod needs and that do not exist."""
    name = pod_name(members.manifest, ordinal)
    for template in members.spec.volumeClaimTemplates:
        if claim_name(template, name) not in members.claims:
            yield Apply(_claim(members, template, name))


def _claim(members: Members, template: dict[str, Any], pod: str) -> Manifest:
    given = template["metadata"]
    labels = {**(given.get("labels") or {}), **(members.spec.selector.get("matchLabels") or {})}
    about: dict[str, Any] = {
        "name": claim_name(template, pod),
        "namespace": meta.namespace_of(members.manifest),
    }
    if labels:
        about["labels"] = labels
    if given.get("annotations"):
        about["annotations"] = given["annotations"]
    if members.spec.persistentVolumeClaimRetentionPolicy.whenDeleted == "Delete":
        about["ownerReferences"] = [meta.controlled_by(members.manifest)]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": about,
        "spec": template["spec"],
    }


def kept(members: Members) -> Iterator[Action]:
    """Claims of ordinals that stay: owned by the set or by nobody, as the policy says now."""
    policy = members.spec.persistentVolumeClaimRetentionPolicy
    own = [meta.controlled_by(members.manifest)] if policy.whenDeleted == "Delete" else []
    for replica in members.replicas:
        pod = replica.pod.uid if replica.pod else ""
        for claim in _of(members, pod_name(members.manifest, replica.ordinal)):
            ours = {meta.uid_of(members.manifest), pod}
            others = [dict(ref) for ref in meta.owners(claim) if ref.get("uid") not in ours]
            if (wanted := [*others, *own]) != list(meta.owners(claim)):
                yield _owned(claim, wanted)


def released(members: Members, pod: Pod) -> Iterator[Action]:
    """Claims of an ordinal that is given up: they go with the pod, if the policy says so."""
    if members.spec.persistentVolumeClaimRetentionPolicy.whenScaled != "Delete":
        return
    reference = {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid}
    for claim in _of(members, pod.name):
        if pod.uid not in meta.owner_uids(claim):
            ours = meta.uid_of(members.manifest)
            others = [dict(ref) for ref in meta.owners(claim) if ref.get("uid") != ours]
            yield _owned(claim, [*others, reference])


def _of(members: Members, pod: str) -> list[Manifest]:
    found = (claim_name(each, pod) for each in members.spec.volumeClaimTemplates)
    return [members.claims[name] for name in found if name in members.claims]


def _owned(claim: Manifest, references: list[dict[str, Any]]) -> Patch:
    key = Key(names.PERSISTENT_VOLUME_CLAIM, meta.namespace_of(claim), meta.name_of(claim))
    patch = {"metadata": {"uid": meta.uid_of(claim), "ownerReferences": references}}
    return Patch(key, patch)
