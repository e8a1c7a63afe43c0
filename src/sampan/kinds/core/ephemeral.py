"""Claims of ephemeral volumes: made of the pod's own template, owned by the pod, gone with it.

A claim of that name which is not the pod's is left alone, with an event, and the pod waits.
Upstream: kubernetes pkg/controller/volume/ephemeral.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from sampan.kube import meta, names, volumes
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Apply, Controller, Emit, Plan, View

_OVER = ("Succeeded", "Failed")


class Wanted(Struct, frozen=True):
    """`claims`: those that are there, by name."""

    pod: Manifest
    claims: dict[str, Manifest]


def concerns(pod: Manifest) -> bool:
    return any(volume.get("ephemeral") for volume in pod["spec"].get("volumes") or ())


def see(view: View, key: Key) -> Wanted | None:
    pod = view.get(key)
    if pod is None or meta.deleting(pod) or not concerns(pod):
        return None
    if (pod.get("status") or {}).get("phase") in _OVER:
        return None
    found = {
        name: view.get(Key(names.PERSISTENT_VOLUME_CLAIM, key.namespace, name))
        for name, made in volumes.claim_names(pod)
        if made
    }
    return Wanted(pod, {name: claim for name, claim in found.items() if claim is not None})


def decide(wanted: Wanted) -> Plan:
    return Plan(actions=tuple(_actions(wanted)))


def _actions(wanted: Wanted) -> Iterator[Action]:
    for volume in wanted.pod["spec"]["volumes"]:
        if not volume.get("ephemeral"):
            continue
        claim = wanted.claims.get(volumes.ephemeral_claim(wanted.pod, volume))
        if claim is None:
            yield Apply(_claim(wanted.pod, volume))
        elif fault := volumes.stranger(wanted.pod, claim):
            text = f"ephemeral volume {volume['name']}: {fault}"
            yield Emit("Warning", "FailedBinding", text, about=wanted.pod)


def _claim(pod: Manifest, volume: dict[str, Any]) -> Manifest:
    template = volume["ephemeral"]["volumeClaimTemplate"]
    given = template.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            **{name: given[name] for name in ("labels", "annotations") if given.get(name)},
            "name": volumes.ephemeral_claim(pod, volume),
            "namespace": meta.namespace_of(pod),
            "ownerReferences": [meta.controlled_by(pod)],
        },
        "spec": template["spec"],
    }


EPHEMERAL = Controller(
    name="ephemeral-volume", of=names.POD, see=see, decide=decide, concerns=concerns
)
