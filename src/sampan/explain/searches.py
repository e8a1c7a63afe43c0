"""Katib's Experiments, Suggestions and Trials: whether they go on, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.explain.facts import Line, condition, sentence, status
from sampan.kube import names
from sampan.kube.keys import Manifest

_GROUP = f"{names.KUBEFLOW_GROUP}/"
_BAD = ("Failed", "MetricsUnavailable")
_GOOD = ("Succeeded", "EarlyStopped")


def is_one(about: Manifest) -> bool:
    """Pipelines have Experiments, too."""
    return str(about.get("apiVersion")).startswith(_GROUP)


def tell(about: Manifest) -> Iterator[Line]:
    for kind in _BAD:
        if (found := condition(about, kind)).get("status") == "True":
            yield Line("bad", sentence(f"{kind}: {found.get('message')}"))
            return
    for kind in _GOOD:
        if (found := condition(about, kind)).get("status") == "True":
            yield Line("ok", sentence(str(found.get("message") or kind)))
            return
    if (found := condition(about, "Answered")).get("status") == "False":
        yield Line("bad", sentence(f"It waits for an answer: {found.get('message')}"))
    elif about["kind"] == "Experiment":
        yield Line("waiting", _progress(about["spec"], status(about)))
    elif about["kind"] == "Trial":
        going = condition(about, "Running").get("status") == "True"
        yield Line("waiting", "It runs." if going else "It has not begun.")
    else:
        yield Line("ok", f"{status(about).get('suggestionCount') or 0} trials are suggested.")


def _progress(spec: Any, said: Any) -> str:
    done = sum(
        said.get(f"trials{how}") or 0 for how in ("Succeeded", "Failed", "EarlyStopped", "Killed")
    ) + (said.get("trialMetricsUnavailable") or 0)
    most = spec.get("maxTrialCount")
    of = f" of {most}" if most else ""
    return f"{done}{of} trials are over, {said.get('trialsRunning') or 0} run."
