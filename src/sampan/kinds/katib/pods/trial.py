"""The Trial of a pod, and what of it matters for the pod."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.katib.types import MetricsCollector, Objective, Text
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest, kind_of
from sampan.kube.plan import View

_DEEPEST = 10
"""Owners above one another; a Trial's pod has three at most in practice."""


class StopRule(Struct, frozen=True, kw_only=True):
    name: Text = None
    value: Text = None
    comparison: Text = None
    startStep: int | None = None


class TrialSpec(Struct, frozen=True, kw_only=True):
    objective: Objective | None = None
    earlyStoppingRules: list[StopRule] | None = None
    metricsCollector: MetricsCollector | None = None
    primaryPodLabels: dict[str, str] | None = None
    primaryContainerName: Text = None

    @property
    def kind(self) -> str:
        """Of the collector."""
        given = self.metricsCollector
        return (given.collector.kind if given and given.collector else None) or ""

    @property
    def container(self) -> str:
        return self.primaryContainerName or ""

    def is_primary(self, labels: dict[str, Any]) -> bool:
        """Whether a pod with these labels is the one whose metrics count; without labels to go by
        each one is."""
        asked = self.primaryPodLabels or {}
        return all(labels.get(name) == value for name, value in asked.items())


def name_of_trial(view: View, manifest: Manifest) -> str:
    """The name of the Trial that an object is made for, by its owners and theirs; "" for none."""
    above = [manifest]
    for _ in range(_DEEPEST):
        for each in above:
            for owner in meta.owners(each):
                if _kind(owner) == names.TRIAL:
                    return str(owner.get("name"))
        above = [found for each in above for found in _owners(view, each)]
        if not above:
            return ""
    return ""


def _owners(view: View, manifest: Manifest) -> list[Manifest]:
    found = []
    for owner in meta.owners(manifest):
        kind, namespace = _kind(owner), meta.namespace_of(manifest)
        above = view.get(Key(kind, namespace, str(owner.get("name"))))
        if above is not None:
            found.append(above)
    return found


def _kind(owner: Mapping[str, Any]) -> str:
    """What is not said is found wrong later."""
    return kind_of(str(owner.get("apiVersion")), str(owner.get("kind")))
