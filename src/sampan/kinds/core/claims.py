"""PersistentVolumeClaim: find or make a volume, bind the two, and hold the claim while it is used.

    Pending ──volume found or made──> Bound ──volume gone──> Lost

A volume that fits and that nobody claims is taken first; else the class's local provisioner makes
one, a directory below its `path`. Binding writes the volume's claimRef before the claim's
volumeName, so that a half-done binding is finished by the next round. WaitForFirstConsumer binds at
once as well: all nodes see the same directories. A class of another provisioner leaves the claim
Pending, with an event. Upstream: kubernetes pkg/controller/volume/{persistentvolume,pvcprotection}.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from sampan.kinds.core import manifests, status
from sampan.kinds.core.types import Claimed
from sampan.kube import labels, meta, names, quantities, volumes
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Action, Apply, Controller, Emit, Patch, Plan, View


def see(view: View, key: Key) -> Claimed | None:
    claim = view.get(key)
    if claim is None:
        return None
    spec = claim["spec"]
    chosen = spec.get("volumeName") or ""
    volume = view.get(Key(names.PERSISTENT_VOLUME, "", chosen)) if chosen else None
    class_name = spec.get("storageClassName") or ""
    dying = meta.deleting(claim)
    return Claimed(
        claim=claim,
        storage_class=view.get(Key(names.STORAGE_CLASS, "", class_name)) if class_name else None,
        volume=volume,
        candidates=() if chosen or dying else tuple(view.select(names.PERSISTENT_VOLUME)),
        users=tuple(view.select(names.POD, key.namespace)) if dying else (),
    )


def decide(claimed: Claimed) -> Plan:
    claim = claimed.claim
    if meta.deleting(claim):
        return _release(claimed)
    if claim["spec"].get("volumeName"):
        return _bound(claimed)
    found = choose(claim, claimed.candidates)
    if found is not None:
        return _bind(claim, found)
    return _provision(claimed)


def choose(claim: Manifest, candidates: tuple[Manifest, ...]) -> Manifest | None:
    """The volume reserved for the claim, else the smallest free one that fits."""
    reserved = [each for each in candidates if _reserved(each, claim)]
    if reserved:
        return reserved[0]
    fitting = [each for each in candidates if _free(each) and fits(claim, each)]
    return min(fitting, key=lambda each: (_capacity(each), meta.name_of(each)), default=None)


def fits(claim: Manifest, volume: Manifest) -> bool:
    """Whether the volume has the class, mode, access, labels and size that the claim asks for."""
    wanted, offered = claim["spec"], volume["spec"]
    selector = wanted.get("selector")
    return (
        (wanted.get("storageClassName") or "") == (offered.get("storageClassName") or "")
        and wanted.get("volumeMode", "Filesystem") == offered.get("volumeMode", "Filesystem")
        and set(wanted.get("accessModes") or ()) <= set(offered.get("accessModes") or ())
        and (selector is None or labels.matches(selector, labels.of(volume)))
        and _capacity(volume) >= _request(claim)
    )


def _release(claimed: Claimed) -> Plan:
    """Let a dying claim go once no pod uses it."""
    claim = claimed.claim
    name = meta.name_of(claim)
    if not meta.has_finalizer(claim, names.FINALIZER_PVC):
        return Plan()
    if any(_uses(pod, name) for pod in claimed.users):
        return Plan()
    patch = meta.without_finalizer(claim, names.FINALIZER_PVC)
    return Plan(actions=(Patch(key_of(claim), patch),))


def _bound(claimed: Claimed) -> Plan:
    """What the volume that the claim names says to that."""
    claim, volume = claimed.claim, claimed.volume
    if volume is None:
        return _missing(claim)
    if _reserved(volume, claim):
        if _capacity(volume) < _request(claim):
            return _expand(claimed, volume)
        reserve = () if _uid(volume) else (_reserve(claim, volume),)
        return Plan(status=status.claim(claim, "Bound", volume), actions=reserve)
    if _free(volume) and fits(claim, volume):
        return Plan(actions=(_reserve(claim, volume),))
    if _free(volume):
        text = f'volume "{meta.name_of(volume)}" does not fit the claim'
        event = _event(claim, "VolumeMismatch", text)
        return Plan(status=status.claim(claim, "Pending"), actions=(event,))
    word = "Lost" if _was_bound(claim) else "Pending"
    text = f'volume "{meta.name_of(volume)}" is bound to another claim'
    return Plan(status=status.claim(claim, word), actions=(_event(claim, "FailedBinding", text),))


def _missing(claim: Manifest) -> Plan:
    name = claim["spec"]["volumeName"]
    if _was_bound(claim):
        event = _event(claim, "ClaimLost", f'the bound volume "{name}" is gone, and its data')
        return Plan(status=status.claim(claim, "Lost"), actions=(event,))
    event = _event(claim, "FailedBinding", f'volume "{name}" not found')
    return Plan(status=status.claim(claim, "Pending"), actions=(event,))


def _expand(claimed: Claimed, volume: Manifest) -> Plan:
    """Directories have no size of their own: growing one is to say so."""
    claim = claimed.claim
    if not _is_local(claimed.storage_class):
        return Plan(status=status.claim(claim, "Bound", volume))
    size = {"storage": claim["spec"]["resources"]["requests"]["storage"]}
    grown = {**volume, "spec": {**volume["spec"], "capacity": size}}
    return Plan(
        status=status.claim(claim, "Bound", grown),
        actions=(Patch(key_of(volume), {"spec": {"capacity": size}}),),
    )


def _bind(claim: Manifest, volume: Manifest) -> Plan:
    reserve: tuple[Action, ...] = () if _uid(volume) else (_reserve(claim, volume),)
    point = {
        "metadata": {"annotations": {names.ANNOTATION_BIND_COMPLETED: "yes"}},
        "spec": {"volumeName": meta.name_of(volume)},
    }
    return Plan(actions=(*reserve, Patch(key_of(claim), point)))


def _provision(claimed: Claimed) -> Plan:
    claim, storage_class = claimed.claim, claimed.storage_class
    pending = status.claim(claim, "Pending")
    fault = _obstacle(claim, storage_class)
    if fault or storage_class is None:
        return Plan(status=pending, actions=(_event(claim, *fault),) if fault else ())
    volume = Apply(manifests.local_volume(claim, storage_class))
    return Plan(status=pending, actions=(volume, *_without_source(claim)))


def _without_source(claim: Manifest) -> Iterator[Emit]:
    source = claim["spec"].get("dataSourceRef") or claim["spec"].get("dataSource")
    if source:
        text = f'the volume is empty: nothing is taken from {source["kind"]} "{source["name"]}"'
        yield _event(claim, "DataSourceIgnored", text)


def _obstacle(claim: Manifest, storage_class: Manifest | None) -> tuple[str, str] | None:
    """Why no volume can be made: reason and message of an event."""
    name = claim["spec"].get("storageClassName") or ""
    if not name:
        return "FailedBinding", "no volume fits this claim, and no storage class is set"
    if storage_class is None:
        return "ProvisioningFailed", f'storageclass.storage.k8s.io "{name}" not found'
    if not _is_local(storage_class):
        maker = storage_class.get("provisioner", "")
        return (
            "ExternalProvisioning",
            f"waiting for a volume that '{maker}' or an administrator has to make;"
            f" this cluster makes volumes only for '{names.LOCAL_PROVISIONER}'",
        )
    if claim["spec"].get("volumeMode", "Filesystem") != "Filesystem":
        return "ProvisioningFailed", "only volumes of mode Filesystem can be made"
    if claim["spec"].get("selector"):
        return "ProvisioningFailed", "claim.spec.selector is not supported for making volumes"
    if not (storage_class.get("parameters") or {}).get("path"):
        return "ProvisioningFailed", f'storage class "{name}" has no parameter "path"'
    return None


def _reserve(claim: Manifest, volume: Manifest) -> Patch:
    """Exact by resourceVersion: of two claims that want a volume, one gets it."""
    version = volume["metadata"]["resourceVersion"]
    reference = manifests.claim_reference(claim)
    patch = {"metadata": {"resourceVersion": version}, "spec": {"claimRef": reference}}
    return Patch(key_of(volume), patch)


def _event(claim: Manifest, reason: str, message: str) -> Emit:
    normal = reason in ("ExternalProvisioning",)
    return Emit("Normal" if normal else "Warning", reason, message, about=claim)


def _reserved(volume: Manifest, claim: Manifest) -> bool:
    """Whether the volume's claimRef names this claim (and no earlier one of the same name)."""
    reference = volume["spec"].get("claimRef") or {}
    return (
        reference.get("name") == meta.name_of(claim)
        and reference.get("namespace") == meta.namespace_of(claim)
        and _uid(volume) in ("", meta.uid_of(claim))
    )


def _uid(volume: Manifest) -> str:
    return (volume["spec"].get("claimRef") or {}).get("uid") or ""


def _free(volume: Manifest) -> bool:
    return not volume["spec"].get("claimRef") and not meta.deleting(volume)


def _was_bound(claim: Manifest) -> bool:
    annotations = meta.annotations_of(claim)
    return names.ANNOTATION_BIND_COMPLETED in annotations or (
        (claim.get("status") or {}).get("phase") in ("Bound", "Lost")
    )


def _is_local(storage_class: Manifest | None) -> bool:
    return storage_class is not None and storage_class.get("provisioner") == names.LOCAL_PROVISIONER


def _uses(pod: Manifest, claim: str) -> bool:
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return False
    return any(name == claim for name, _ in volumes.claim_names(pod))


def _capacity(volume: Manifest) -> Fraction:
    return quantities.parse((volume["spec"].get("capacity") or {}).get("storage", 0))


def _request(claim: Manifest) -> Fraction:
    requests = (claim["spec"].get("resources") or {}).get("requests") or {}
    return quantities.parse(requests.get("storage", 0))


CLAIM = Controller(name="claim", of=names.PERSISTENT_VOLUME_CLAIM, see=see, decide=decide)
