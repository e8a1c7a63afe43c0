"""The Experiment that searches for an OptimizationJob: the same search in Katib's words.

A trial's container gets each assignment as `KUBEFLOW_TRAINER_OPT_<NAME>`; all of them stand as JSON
in an annotation of its TrainJob.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kube import meta, names
from sampan.kube.keys import Manifest, split_kind

PREFIX = "KUBEFLOW_TRAINER_OPT_"
ANNOTATION_ASSIGNMENTS = f"{names.TRAINER_GROUP}/parameter-assignments"
_LONGEST = 40
"""Letters of an Experiment's name."""
_CONDITION = 'status.conditions.#(type=="{}")#|#(status=="True")#'
_CONTAINER = "node"
_SEEDS = 2**31
_FINE = re.compile(r"[a-z][-a-z0-9]*")


def name_of(job: Manifest) -> str:
    """The job's, where an Experiment may be called so."""
    name = meta.name_of(job)
    if len(name) <= _LONGEST and _FINE.fullmatch(name):
        return name
    end = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"opt-{re.sub('[^a-z0-9]', '-', name)[: _LONGEST - 13].strip('-')}-{end}"


def build(job: Manifest) -> Manifest:
    spec = job["spec"]
    (objective,) = spec["objectives"]
    way = "maximize" if objective.get("direction") == "Maximize" else "minimize"
    parameters = spec["parameters"]
    listed = {
        "objective": {"type": way, "objectiveMetricName": objective["metric"]},
        "algorithm": _algorithm(spec.get("searchAlgorithm") or {}),
        "parameters": [_parameter(each) for each in parameters],
        "maxTrialCount": _trials(spec),
        "parallelTrialCount": min(spec.get("parallelTrials") or 1, _trials(spec)),
        "metricsCollectorSpec": {"collector": {"kind": "Push"}},
        "trialTemplate": {
            "retain": True,  # TrainJobs are what users of the kind look at
            "primaryContainerName": _CONTAINER,
            "successCondition": _CONDITION.format("Complete"),
            "failureCondition": _CONDITION.format("Failed"),
            "trialParameters": [
                {"name": each["name"], "reference": each["name"]} for each in parameters
            ],
            "trialSpec": _train_job(spec["trainJobTemplate"], parameters),
        },
    }
    return {
        "apiVersion": f"{names.KUBEFLOW_GROUP}/v1beta1",
        "kind": "Experiment",
        "metadata": {
            "name": name_of(job),
            "namespace": meta.namespace_of(job),
            "ownerReferences": [meta.controlled_by(job)],
        },
        "spec": listed,
    }


def _trials(spec: Mapping[str, Any]) -> int:
    """A grid ends when all of it was tried."""
    wanted = int(spec.get("numTrials") or 1)
    if "grid" not in (spec.get("searchAlgorithm") or {}):
        return wanted
    sizes = (len(each["searchSpace"]["categorical"]["choices"]) for each in spec["parameters"])
    return min(wanted, math.prod(sizes))


def _algorithm(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if "grid" in given:
        return {"algorithmName": "grid"}
    seed = (given.get("random") or {}).get("seed")
    settings = [] if seed is None else [{"name": "random_state", "value": str(seed % _SEEDS)}]
    return {"algorithmName": "random", "algorithmSettings": settings}


def _parameter(given: Mapping[str, Any]) -> Mapping[str, Any]:
    name, space = given["name"], given["searchSpace"]
    if chosen := space.get("categorical"):
        listed = {"list": list(chosen["choices"])}
        return {"name": name, "parameterType": "categorical", "feasibleSpace": listed}
    word = "logUniform" if "logUniform" in space else "uniform"
    found = space[word]
    kind = "int" if found.get("type") == "Int" else "double"
    feasible = {"min": found["min"], "max": found["max"], "distribution": word}
    return {"name": name, "parameterType": kind, "feasibleSpace": feasible}


def _train_job(
    template: Mapping[str, Any], parameters: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    kind, group = split_kind(names.TRAIN_JOB)
    about, spec = dict(template.get("metadata") or {}), dict(template["spec"])
    given = {each["name"]: f"${{trialParameters.{each['name']}}}" for each in parameters}
    annotations = {**(about.get("annotations") or {}), ANNOTATION_ASSIGNMENTS: json.dumps(given)}
    trainer = dict(spec.get("trainer") or {})
    own = [{"name": variable(name), "value": value} for name, value in given.items()]
    known = {each["name"] for each in own}
    kept = [each for each in trainer.get("env") or () if each.get("name") not in known]
    return {
        "apiVersion": f"{group}/v1alpha1",
        "kind": kind,
        "metadata": {**about, "annotations": annotations},
        "spec": {**spec, "trainer": {**trainer, "env": [*kept, *own]}},
    }


def variable(name: str) -> str:
    return PREFIX + re.sub("[^A-Z0-9_]", "_", name.upper())
