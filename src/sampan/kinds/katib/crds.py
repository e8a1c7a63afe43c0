"""The CRDs of the package. Experiment, Suggestion and Trial are open as upstream's: what they may
say is checked by `admit`, not by schemas. That of the Experiment describes its fields.

Upstream: kubeflow/katib manifests/v1beta1/components/crd.
"""

from __future__ import annotations

from sampan.kinds.katib import described
from sampan.kinds.katib.optimization import crd
from sampan.kube import custom, names
from sampan.kube.keys import Manifest

_VERSION = "v1beta1"
_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_CATEGORIES = ("all", "kubeflow", "katib")
_CONDITION = ".status.conditions[-1:]"
_SHOWN = (("Type", f"{_CONDITION}.type"), ("Status", f"{_CONDITION}.status"))
_COUNTED = (("Requested", ".spec.requests"), ("Assigned", ".status.suggestionCount"))


_FOUND = (
    ("Trials", ".status.trials"),
    ("Best", ".status.currentOptimalTrial.bestTrialName"),
    ("Infeasible", ".status.trialsInfeasible"),
    ("Pareto", ".status.trialsParetoOptimal"),
    ("Hypervolume", ".status.hypervolume.value"),
)
"""What `kubectl get experiments -o wide` shows besides; upstream has no such columns."""


def load() -> tuple[Manifest, ...]:
    """Experiment, Suggestion, Trial, OptimizationJob."""
    katib = (
        custom.crd(kind, _VERSION, schema, categories=_CATEGORIES, columns=columns, wide=wide)
        for kind, schema, columns, wide in (
            (names.KATIB_EXPERIMENT, described.experiment(), _SHOWN, _FOUND),
            (names.SUGGESTION, _OPEN, (*_SHOWN, *_COUNTED), ()),
            (names.TRIAL, _OPEN, _SHOWN, ()),
        )
    )
    return (*katib, crd.load())
