"""PersistentVolume: its phase, and what becomes of it when its claim is gone.

    Available ──claimed──> Bound ──claim gone──> Released ──reclaim Delete──> deleted

Only volumes that the local provisioner made are deleted; the node removes the directory when the
volume goes. Others are released and, with reclaim Delete, Failed, for nobody here can delete them.
Upstream: kubernetes pkg/controller/volume/{persistentvolume,pvprotection}.
"""

from __future__ import annotations

from sampan.kinds.core import status
from sampan.kinds.core.types import Volume
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Controller, Delete, Patch, Plan, View


def see(view: View, key: Key) -> Volume | None:
    volume = view.get(key)
    if volume is None:
        return None
    reference = volume["spec"].get("claimRef") or {}
    name, namespace = reference.get("name"), reference.get("namespace", "")
    claim = view.get(Key(names.PERSISTENT_VOLUME_CLAIM, namespace, name)) if name else None
    return Volume(volume, claim)


def decide(volume: Volume) -> Plan:
    manifest = volume.manifest
    phase = _phase(volume)
    if meta.deleting(manifest):
        held = meta.has_finalizer(manifest, names.FINALIZER_PV)
        if phase == "Bound" or not held:
            return Plan()
        patch = meta.without_finalizer(manifest, names.FINALIZER_PV)
        return Plan(actions=(Patch(key_of(manifest), patch),))
    if phase != "Released" or _policy(manifest) != "Delete":
        return Plan(status=status.volume(manifest, phase))
    if _is_ours(manifest):
        last = Delete(key_of(manifest), uid=meta.uid_of(manifest))
        return Plan(status=status.volume(manifest, phase), actions=(last,))
    return Plan(status=status.volume(manifest, "Failed", "nothing here can delete this volume"))


def _phase(volume: Volume) -> str:
    reference = volume.manifest["spec"].get("claimRef") or {}
    if not reference.get("uid"):
        return "Available"
    if volume.claim is None or meta.uid_of(volume.claim) != reference["uid"]:
        return "Released"
    return "Bound"


def _policy(manifest: Manifest) -> str:
    return str(manifest["spec"].get("persistentVolumeReclaimPolicy", "Retain"))


def _is_ours(manifest: Manifest) -> bool:
    annotations = meta.annotations_of(manifest)
    return annotations.get(names.ANNOTATION_PROVISIONED_BY) == names.LOCAL_PROVISIONER


VOLUME = Controller(name="volume", of=names.PERSISTENT_VOLUME, see=see, decide=decide)
