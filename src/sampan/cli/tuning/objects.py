"""The objects of one search: an Experiment whose trials are Jobs, and a ConfigMap with the program.

They are Katib's and Kubernetes' own: with another cluster's kubeconfig they run there as well, if
the image has what the function imports.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from sampan.cli.tuning import program
from sampan.cli.tuning.space import Searched, Space
from sampan.kinds.katib.extensions import question
from sampan.kinds.katib.extensions.question import Question
from sampan.kinds.katib.extensions.texts import Wrong
from sampan.kube import names
from sampan.kube.errors import UserMistake

Manifest = dict[str, Any]
_VERSION = f"{names.KUBEFLOW_GROUP}/v1beta1"
BASE = f"/apis/{_VERSION}/namespaces"
PROGRAM = "sampan-trial.py"
CONTAINER = "main"
_PLACE = "/sampan/tune"
_LARGEST = 1_000_000
"""Bytes of all files: what a ConfigMap takes."""
_KEPT = 3600
"""Seconds for which a trial's pod and log stay."""
_FAILURES = 0.1
"""Of the trials, from which on the search has failed; three may fail in any case."""


class Search(Struct, frozen=True, kw_only=True):
    """What was asked for. files: of the user's, by name; the first has the function."""

    name: str
    files: Mapping[str, str]
    file: str
    function: str
    space: Space
    metric: str
    minimize: bool
    trials: int
    parallel: int
    algorithm: str
    settings: Mapping[str, str]
    image: str
    goal: float | None = None
    stopping: str = ""
    resources: Mapping[str, str] = {}


def experiment(search: Search) -> Manifest:
    objective: Manifest = {
        "type": "minimize" if search.minimize else "maximize",
        "objectiveMetricName": search.metric,
    }
    if search.goal is not None:
        objective["goal"] = search.goal
    settings = [{"name": name, "value": value} for name, value in search.settings.items()]
    algorithm = {"algorithmName": search.algorithm, "algorithmSettings": settings}
    asked = _asked(objective, algorithm)
    if others := [each for each in asked.metrics if each != search.metric]:
        objective["additionalMetricNames"] = others
    spec: Manifest = {
        "objective": objective,
        "algorithm": algorithm,
        "parallelTrialCount": search.parallel,
        "maxTrialCount": search.trials,
        "maxFailedTrialCount": min(search.trials, max(4, int(search.trials * _FAILURES))),
        "parameters": [_parameter(each) for each in search.space.searched],
        "trialTemplate": _template(search, sorted(asked.conditions)),
    }
    if search.stopping:
        spec["earlyStopping"] = {"algorithmName": search.stopping}
    return {
        "apiVersion": _VERSION,
        "kind": "Experiment",
        "metadata": {"name": search.name},
        "spec": spec,
    }


def _asked(objective: Manifest, algorithm: Manifest) -> Question:
    """UserMistake."""
    try:
        return question.of({"objective": objective, "algorithm": algorithm})
    except Wrong as fault:
        raise UserMistake(f"setting {fault}") from None


def config_map(search: Search) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": search.name},
        "data": {**search.files, PROGRAM: Path(program.__file__).read_text()},
    }


def owner(experiment: Manifest) -> Manifest:
    """The patch of the ConfigMap that lets it go with its Experiment."""
    about = {field: experiment[field] for field in ("apiVersion", "kind")}
    about |= {field: experiment["metadata"][field] for field in ("name", "uid")}
    return {"metadata": {"ownerReferences": [about]}}


def _parameter(given: Searched) -> Manifest:
    return {"name": given.name, "parameterType": given.type, "feasibleSpace": dict(given.space)}


def _template(search: Search, sometimes: Sequence[str]) -> Manifest:
    """`sometimes`: parameters that do not always have a value."""
    searched = [each.name for each in search.space.searched]
    about = {
        "file": search.file,
        "function": search.function,
        "metric": search.metric,
        "kinds": {each.name: each.kind for each in search.space.searched},
        "fixed": dict(search.space.fixed),
        "sometimes": list(sometimes),
    }
    given = [{"name": "SAMPAN_TUNE", "value": json.dumps(about)}]
    given += [
        {"name": f"{program.PREFIX}{name}", "value": f"${{trialParameters.{name}}}"}
        for name in searched
    ]
    container: Manifest = {
        "name": CONTAINER,
        "image": search.image,
        "command": ["python3", "-u", f"{_PLACE}/{PROGRAM}"],
        "env": given,
        "volumeMounts": [{"name": "program", "mountPath": _PLACE}],
    }
    if search.resources:
        container["resources"] = {each: dict(search.resources) for each in ("requests", "limits")}
    volume = {"name": "program", "configMap": {"name": search.name}}
    pod = {"restartPolicy": "Never", "containers": [container], "volumes": [volume]}
    job = {
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": _KEPT,
        "template": {"spec": pod},
    }
    return {
        "retain": True,  # for the logs; Kubernetes deletes what has been kept long enough
        "primaryContainerName": CONTAINER,
        "trialParameters": [{"name": name, "reference": name} for name in searched],
        "trialSpec": {"apiVersion": "batch/v1", "kind": "Job", "spec": job},
    }


def files(path: Path, function: str, more: Sequence[Path]) -> dict[str, str]:
    """The user's files by name, once it is seen that the first has the function. UserMistake."""
    found: dict[str, str] = {}
    for each in (path, *more):
        try:
            found[each.name] = each.read_text()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise UserMistake(f"{each} cannot be read: {why}") from None
    if len(found) <= len(more) or PROGRAM in found:
        raise UserMistake("two of the files have the same name")
    if sum(len(text.encode()) for text in found.values()) > _LARGEST:
        raise UserMistake("the files are larger than 1 MB, which is all that a ConfigMap takes")
    _check(path, found[path.name], function)
    return found


def _check(path: Path, text: str, function: str) -> None:
    try:
        tree = ast.parse(text, str(path))
    except (SyntaxError, ValueError) as error:
        raise UserMistake(f"{path} is no Python: {error}") from None
    defined = [each.name for each in tree.body if isinstance(each, ast.FunctionDef)]
    if function not in defined and function not in text:  # else it is bound in another way
        listed = ", ".join(defined) or "no function at all"
        raise UserMistake(f"{path} has no {function}; it has {listed}")
