"""The Trial of a suggestion.

Upstream: pkg/controller.v1beta1/experiment/experiment_controller_util.go getTrialInstance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.katib import template, words
from sampan.kinds.katib.experiment.snapshot import Search
from sampan.kinds.katib.types import TrialTemplate
from sampan.kube import meta, names
from sampan.kube.keys import Manifest, kind_of

_COPIED = ("primaryPodLabels", "primaryContainerName", "successCondition", "failureCondition")


def build(search: Search, text: str, suggested: Mapping[str, Any]) -> Manifest:
    """Raises `template.Unusable`."""
    experiment, spec = search.manifest, search.manifest["spec"]
    given = search.spec.trialTemplate or TrialTemplate()
    name, namespace = str(suggested["name"]), meta.namespace_of(experiment)
    listed = suggested.get("parameterAssignments") or []
    assignments = {str(each.get("name")): str(each.get("value", "")) for each in listed}
    run = template.render(
        text,
        given.trialParameters or [],
        assignments,
        name=name,
        namespace=namespace,
        unset=search.question.unset(assignments),
    )
    labels = {
        **(experiment["metadata"].get("labels") or {}),
        names.LABEL_KATIB_EXPERIMENT: search.name,
        **(suggested.get("labels") or {}),
    }
    written = spec.get("trialTemplate") or {}
    said = {
        "objective": spec.get("objective"),
        "parameterAssignments": listed,
        "earlyStoppingRules": suggested.get("earlyStoppingRules")
        if search.spec.earlyStopping
        else None,
        "runSpec": run,
        "retainRun": written.get("retain"),
        "metricsCollector": spec.get("metricsCollectorSpec"),
        **{field: written.get(field) for field in _COPIED},
    }
    return {
        "apiVersion": experiment["apiVersion"],
        "kind": "Trial",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [meta.controlled_by(experiment)],
            "finalizers": [words.FINALIZER_TRIAL],
        },
        "spec": {field: value for field, value in said.items() if value},
    }


def is_strange(trial: Manifest, experiment: Manifest) -> bool:
    """Whether a Trial is somebody else's, and stays. One of an Experiment of this name before
    goes."""
    if meta.is_owned_by(trial, experiment) or meta.deleting(trial):
        return False
    return not any(
        kind_of(each["apiVersion"], each["kind"]) == names.KATIB_EXPERIMENT
        and each["name"] == meta.name_of(experiment)
        for each in meta.owners(trial)
    )
