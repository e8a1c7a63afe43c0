"""Admission of ReplicaSets. Upstream: kubernetes pkg/apis/apps/{v1/defaults.go,validation}."""

from __future__ import annotations

from sampan.kinds.workloads.admit import common
from sampan.kube import templates
from sampan.kube.component import Rules
from sampan.kube.errors import Problem
from sampan.kube.keys import Manifest


def default(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    templates.fill(spec.setdefault("template", {}))


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    return [
        *common.not_negative(spec, ("replicas", "minReadySeconds")),
        *templates.selector_problems(spec.get("selector"), spec["template"], "ReplicaSet"),
        *templates.problems(spec["template"]),
        *templates.forever_problems(spec["template"], "ReplicaSet"),
        *common.immutable(manifest, old, ("selector",)),
    ]


RULES = Rules(default=default, validate=validate, warn=common.warn)
