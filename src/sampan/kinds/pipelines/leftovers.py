"""A run that is over: one day it goes, and what it made with it.

`expiresAt` was noted at its end (pipelineConfig.resourceTtlOn…). Pods stay as long as the run does,
so that their logs can be read.
Upstream: backend/src/v2/compiler/argocompiler/argo.go buildTTLStrategy.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Delete, Plan, View
from sampan.kube.times import parse


class Ended(Struct, frozen=True, kw_only=True):
    """expires: when the run is deleted."""

    key: Key
    uid: str
    expires: datetime
    now: datetime


def see(view: View, manifest: Manifest) -> Ended | None:
    expires = (manifest.get("status") or {}).get("expiresAt")
    if not expires:
        return None
    key = Key(names.RUN, meta.namespace_of(manifest), meta.name_of(manifest))
    return Ended(key=key, uid=meta.uid_of(manifest), expires=parse(expires), now=view.now())


def after(ended: Ended) -> Plan:
    left = (ended.expires - ended.now).total_seconds()
    if left > 0:
        return Plan(again_in=left)
    return Plan(actions=(Delete(ended.key, ended.uid),))
