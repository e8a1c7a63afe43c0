"""What a pod's claims say to its being scheduled. Pure but for `find`.

A claim must be bound, unless its StorageClass waits for the first consumer: then the pod may go,
the claim is told the node, and the node waits for the volume.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from sampan.kube import names, volumes
from sampan.kube.keys import Key, Manifest

SELECTED_NODE = "volume.kubernetes.io/selected-node"

Find = Callable[[Key], Manifest | None]


class Claims(Struct, frozen=True):
    """fault: why the pod cannot be scheduled, "" when it can. waiting: claims to be told."""

    fault: str = ""
    waiting: tuple[Key, ...] = ()


def judge(pod: Manifest, find: Find) -> Claims:
    waiting: list[Key] = []
    for name, made in volumes.claim_names(pod):
        key = Key(names.PERSISTENT_VOLUME_CLAIM, pod["metadata"]["namespace"], name)
        claim = find(key)
        if claim is None:
            maker = "waiting for ephemeral volume controller to create the " if made else ""
            ending = "" if made else " not found"
            return Claims(f'{maker}persistentvolumeclaim "{name}"{ending}')
        if made and (fault := volumes.stranger(pod, claim)):
            return Claims(fault)
        if claim["metadata"].get("deletionTimestamp"):
            return Claims(f'persistentvolumeclaim "{key.name}" is being deleted')
        if (claim.get("status") or {}).get("phase") == "Bound":
            continue
        if not _waits_for_consumer(claim, find):
            return Claims("pod has unbound immediate PersistentVolumeClaims")
        waiting.append(key)
    return Claims(waiting=tuple(waiting))


def _waits_for_consumer(claim: Manifest, find: Find) -> bool:
    name = claim["spec"].get("storageClassName")
    storage = find(Key(names.STORAGE_CLASS, "", name)) if name else None
    return storage is not None and storage.get("volumeBindingMode") == "WaitForFirstConsumer"
