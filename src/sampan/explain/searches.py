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
    yield from _state(about)
    if about["kind"] == "Experiment":
        yield from _findings(about["spec"], status(about))


def _state(about: Manifest) -> Iterator[Line]:
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
        if (found := condition(about, "Suspended")).get("status") == "True":
            yield Line("note", "It is suspended (spec.suspend): no more trials begin.")
    elif about["kind"] == "Trial":
        going = condition(about, "Running").get("status") == "True"
        yield Line("waiting", "It runs." if going else "It has not begun.")
    else:
        yield Line("ok", f"{status(about).get('suggestionCount') or 0} trials are suggested.")


def _findings(spec: Any, said: Any) -> Iterator[Line]:
    """What upstream's Katib cannot be asked for."""
    found, several = said.get("trialsParetoOptimal") or 0, _setting(spec, "objectives")
    if found:
        volume = (said.get("hypervolume") or {}).get("value")
        worth = f"; their hypervolume is {float(volume):.6g}" if volume else ""
        yield Line("ok", f"Pareto-optimal in {several}: {found} of the trials{worth}.")
    elif several and said.get("trialsSucceeded"):
        yield Line("note", f"No trial keeps its constraints and has told {several}.")
    if begun := said.get("warmStart"):
        known, seen = begun.get("trialsKnown") or 0, begun.get("trialsSeen") or 0
        which = f"{known} of {seen} trials of {begun.get('experiment')}"
        yield Line("ok" if known else "note", f"It began with {which}, which are of its space.")
    broken = said.get("trialsInfeasible") or 0
    if broken:
        wanted = _setting(spec, "constraints")
        if (said.get("currentOptimalTrial") or {}).get("bestTrialName"):
            yield Line("ok", f"{broken} of the trials broke {wanted}, and are never the best.")
        else:
            yield Line("bad", f"There is no best trial: none keeps to {wanted}.")


def _setting(spec: Any, name: str) -> str:
    listed = (spec.get("algorithm") or {}).get("algorithmSettings") or ()
    return next((str(each.get("value")) for each in listed if each.get("name") == name), "")


def _progress(spec: Any, said: Any) -> str:
    done = sum(
        said.get(f"trials{how}") or 0 for how in ("Succeeded", "Failed", "EarlyStopped", "Killed")
    ) + (said.get("trialMetricsUnavailable") or 0)
    most = spec.get("maxTrialCount")
    of = f" of {most}" if most else ""
    return f"{done}{of} trials are over, {said.get('trialsRunning') or 0} run."
