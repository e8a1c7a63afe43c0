"""A search as text: how far it is, its trials, the best of them. Pure.

quadratic-h2kx9  12 of 100 trials, 4 running, 1 failed
best  objective=0.0123  lr=0.0031  n=3

TRIAL     lr      n  STATE      objective
eac71aa1  0.0031  3  Succeeded  0.0123
8c1b9d02  0.0500  1  Running
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sampan.cli.wf.tree import columns
from sampan.kube.times import parse

Manifest = Mapping[str, Any]
ENDS = ("Succeeded", "Failed")
_OVER = (*ENDS, "EarlyStopped", "MetricsUnavailable", "Killed")
_ORDER = ("Killed", "Failed", "Succeeded", "EarlyStopped", "MetricsUnavailable", "Running")
_WORDS = {"EarlyStopped": "Stopped", "MetricsUnavailable": "No metric"}


def has(manifest: Manifest, condition: str) -> bool:
    return any(each["type"] == condition and each["status"] == "True" for each in _said(manifest))


def is_over(experiment: Manifest) -> bool:
    return any(has(experiment, each) for each in ENDS)


def state(trial: Manifest) -> str:
    return next((each for each in _ORDER if has(trial, each)), "Pending")


def ended(trial: Manifest) -> bool:
    return state(trial) in _OVER


def value(trial: Manifest) -> float | None:
    """The objective, as its metricStrategy takes it."""
    objective = trial["spec"]["objective"]
    observation = (trial.get("status") or {}).get("observation") or {}
    return _value(observation, objective)


def _value(observation: Manifest, objective: Manifest) -> float | None:
    name = objective["objectiveMetricName"]
    strategies = {each["name"]: each["value"] for each in objective.get("metricStrategies") or ()}
    field = strategies.get(name) or ("min" if objective.get("type") == "minimize" else "max")
    for each in observation.get("metrics") or ():
        if each["name"] == name:
            try:
                return float(each[field])
            except (KeyError, ValueError):
                return None
    return None


def picture(experiment: Manifest, trials: Sequence[Manifest], rows: int) -> str:
    """The whole, with so many of the newest trials."""
    head = f"{_name(experiment)}  {_progress(experiment, trials)}\n"
    best = _best_line(experiment)
    shown = trials[-rows:] if rows > 0 else ()
    return head + (f"best  {best}\n" if best else "") + "\n" + _table(experiment, shown)


def _progress(experiment: Manifest, trials: Sequence[Manifest]) -> str:
    counts: dict[str, int] = {}
    for each in trials:
        counts[state(each)] = counts.get(state(each), 0) + 1
    done = sum(count for what, count in counts.items() if what in _OVER)
    most = (experiment.get("spec") or {}).get("maxTrialCount")
    parts = [f"{done} of {most} trials" if most else f"{done} trials"]
    for what, word in (("Running", "running"), ("EarlyStopped", "stopped"), ("Failed", "failed"),
                       ("MetricsUnavailable", "without a value")):  # fmt: skip
        if counts.get(what):
            parts.append(f"{counts[what]} {word}")
    return ", ".join(parts)


def _table(experiment: Manifest, trials: Sequence[Manifest]) -> str:
    spec = experiment.get("spec") or {}
    names = [str(each["name"]) for each in spec.get("parameters") or ()]
    metric = (spec.get("objective") or {}).get("objectiveMetricName") or ""
    rows: list[Sequence[str]] = [("TRIAL", *names, "STATE", metric)]
    for trial in trials:
        given, found = assignments(trial["spec"]), value(trial)
        cells = [short(given.get(name, "")) for name in names]
        word = _WORDS.get(state(trial), state(trial))
        rows.append((_short_name(trial), *cells, word, "" if found is None else f"{found:.6g}"))
    return columns([tuple(each) for each in rows])


def line(trial: Manifest, best: str) -> str:
    """A trial that has ended. best: the name of the best one by now."""
    given = " ".join(f"{name}={short(text)}" for name, text in assignments(trial["spec"]).items())
    found, what = value(trial), state(trial)
    metric = trial["spec"]["objective"]["objectiveMetricName"]
    said = f"{metric}={found:.6g}" if found is not None else ""
    word = "" if what == "Succeeded" else _WORDS.get(what, what).lower()
    mark = "best so far" if trial["metadata"]["name"] == best else ""
    return "  ".join(each for each in (_short_name(trial), given, said, word, mark) if each)


def best(experiment: Manifest) -> str:
    """The best trial as it is known now, or the best ones of several objectives, over several
    lines; nothing where there is none."""
    if front := (experiment.get("status") or {}).get("paretoFront"):
        return _front(experiment, front)
    found = _optimal(experiment)
    if not found.get("bestTrialName"):
        return ""
    return "".join(f"{each}\n" for each in _best_lines(experiment, found))


def _front(experiment: Manifest, front: Sequence[Manifest]) -> str:
    spec, status = experiment["spec"], experiment["status"]
    strategies = spec["objective"].get("metricStrategies") or ()
    how = {str(each["name"]): str(each["value"]) for each in strategies}
    names = [str(each["name"]) for each in spec.get("parameters") or ()]
    rows: list[Sequence[str]] = [("TRIAL", *how, *names)]
    for each in front:
        told = {one["name"]: one for one in each["observation"]["metrics"]}
        values = [short(str(told.get(name, {}).get(which, ""))) for name, which in how.items()]
        given = assignments(each)
        trial = str(each["trialName"]).rpartition("-")[2]
        rows.append((trial, *values, *(short(given.get(name, "")) for name in names)))
    volume = (status.get("hypervolume") or {}).get("value")
    said = f", hypervolume {float(volume):.6g}" if volume else ""
    head = f"best: {status['trialsParetoOptimal']} that no other trial is better than{said}\n"
    return head + columns([tuple(each) for each in rows])


def best_name(experiment: Manifest) -> str:
    return str(_optimal(experiment).get("bestTrialName") or "")


def _best_lines(experiment: Manifest, found: Manifest) -> Iterator[str]:
    objective = experiment["spec"]["objective"]
    score = _value(found.get("observation") or {}, objective)
    said = "" if score is None else f"{objective['objectiveMetricName']}={score!r} of "
    yield f"best: {said}trial {found['bestTrialName']}"
    given = assignments(found)
    width = max(map(len, given), default=0)
    for name, text in given.items():
        yield f"  {name.ljust(width)}  {text}"


def _best_line(experiment: Manifest) -> str:
    found = _optimal(experiment)
    if not found.get("bestTrialName"):
        return ""
    objective = experiment["spec"]["objective"]
    score = _value(found.get("observation") or {}, objective)
    given = "  ".join(f"{name}={short(text)}" for name, text in assignments(found).items())
    said = "" if score is None else f"{objective['objectiveMetricName']}={score:.6g}  "
    return f"{said}{given}"


def ending(experiment: Manifest, trials: Sequence[Manifest]) -> str:
    """What came of it."""
    status = experiment.get("status") or {}
    begun, done = (_moment(status.get(each)) for each in ("startTime", "completionTime"))
    took = f" in {(done - begun).total_seconds():.0f} s" if begun and done else ""
    text = f"{_progress(experiment, trials)}{took}\n"
    if not has(experiment, "Succeeded"):
        said = _said(experiment)
        text += f"{said[-1].get('message') if said else 'nothing was done'}\n"
    return text + best(experiment)


def failed(trials: Sequence[Manifest]) -> Manifest | None:
    """The first trial from which something may be learnt."""
    wanted = ("Failed", "MetricsUnavailable")
    return next((each for each in trials if state(each) in wanted), None)


def assignments(owner: Manifest) -> dict[str, str]:
    listed = owner.get("parameterAssignments") or ()
    return {str(each["name"]): str(each.get("value", "")) for each in listed}


def short(text: str) -> str:
    """A long number with fewer digits."""
    try:
        return f"{float(text):.4g}" if "." in text and len(text) > 7 else text
    except ValueError:
        return text


def _optimal(experiment: Manifest) -> Manifest:
    found = (experiment.get("status") or {}).get("currentOptimalTrial") or {}
    return found if isinstance(found, Mapping) else {}


def _short_name(trial: Manifest) -> str:
    name = str(trial["metadata"]["name"])
    return name.rpartition("-")[2] or name


def _name(experiment: Manifest) -> str:
    return str((experiment.get("metadata") or {}).get("name") or "")


def _said(manifest: Manifest) -> Sequence[Mapping[str, Any]]:
    return (manifest.get("status") or {}).get("conditions") or ()


def _moment(text: str | None) -> datetime | None:
    return parse(text) if text else None
