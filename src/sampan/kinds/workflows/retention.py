"""How many finished workflows are kept: `retentionPolicy` of the operator's settings.

    retentionPolicy: {completed: 10, failed: 3, errored: 3}

Of each phase that many stay, the newest; zero or nothing keeps none of them, as upstream, and
without a policy all are kept. One object stands for the whole task, the settings' ConfigMap, so
that a policy costs one look for each workflow that ends. Upstream: argo-workflows
workflow/gccontroller.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from sampan.kinds.workflows import settings
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import NOTHING, Controller, Delete, Plan, View

_COUNTS = {"Succeeded": "completed", "Failed": "failed", "Error": "errored"}
_DONE = {"matchLabels": {names.LABEL_WORKFLOW_COMPLETED: "true"}}


class Finished(Struct, frozen=True, kw_only=True):
    key: Key
    uid: str
    phase: str
    created: str


class Kept(Struct, frozen=True, kw_only=True):
    """counts: how many stay, by phase."""

    counts: Mapping[str, int]
    finished: tuple[Finished, ...]


def see(cluster: View, key: Key) -> Kept | None:
    if key.name != settings.NAME or key.namespace not in settings.NAMESPACES:
        return None
    try:
        policy = settings.read(cluster).get("retentionPolicy")
    except settings.Mistake:
        return None
    if not isinstance(policy, dict):
        return None
    found = cluster.select(names.WORKFLOW, "", _DONE)
    return Kept(
        counts={phase: _number(policy.get(field)) for phase, field in _COUNTS.items()},
        finished=tuple(_finished(each) for each in found if not meta.deleting(each)),
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _finished(manifest: Manifest) -> Finished:
    about = manifest["metadata"]
    return Finished(
        key=key_of(manifest),
        uid=meta.uid_of(manifest),
        phase=(manifest.get("status") or {}).get("phase") or "",
        created=about.get("creationTimestamp") or "",
    )


def decide(kept: Kept) -> Plan:
    gone: list[Finished] = []
    for phase, count in kept.counts.items():
        ended = [each for each in kept.finished if each.phase == phase]
        gone += sorted(ended, key=lambda each: (each.created, each.key.name))[: -count or None]
    return Plan(actions=tuple(Delete(each.key, each.uid) for each in gone)) if gone else NOTHING


RETENTION = Controller(name="workflow-retention", of=names.CONFIG_MAP, see=see, decide=decide)
