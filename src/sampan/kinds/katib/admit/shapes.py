"""The types of what the controllers read, where schemas are open: an object that has others is
refused (422), and so is no riddle to whoever lists, counts or looks at all of them.

Fields that nobody reads stay open. What was wrong before and is not changed is let through: whoever
holds such an object must be able to let go of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from sampan.kinds.katib.pods.trial import StopRule, TrialSpec
from sampan.kinds.katib.types import Algorithm, Text
from sampan.kube import names
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, duplicate, invalid, required
from sampan.kube.keys import Manifest

Count = int | None


class _Condition(Struct, kw_only=True):
    type: str
    status: Text = None
    reason: Text = None
    message: Text = None
    lastUpdateTime: Text = None
    lastTransitionTime: Text = None


class _Status(Struct, kw_only=True):
    conditions: list[_Condition] | None = None
    startTime: Text = None
    completionTime: Text = None


class _Assignment(Struct, kw_only=True):
    name: Text = None
    value: Text = None


class _Metric(Struct, kw_only=True):
    name: Text = None
    min: Text = None
    max: Text = None
    latest: Text = None


class _Observation(Struct, kw_only=True):
    metrics: list[_Metric] | None = None


class _ExperimentStatus(_Status, kw_only=True):
    currentOptimalTrial: dict[str, Any] | None = None
    trials: Count = None
    trialsSucceeded: Count = None
    trialsFailed: Count = None
    trialsKilled: Count = None
    trialsPending: Count = None
    trialsRunning: Count = None
    trialsEarlyStopped: Count = None
    trialMetricsUnavailable: Count = None


class _Suggested(Struct, kw_only=True):
    name: Text = None
    parameterAssignments: list[_Assignment] | None = None
    earlyStoppingRules: list[StopRule] | None = None
    labels: dict[str, str] | None = None


class _SuggestionSpec(Struct, kw_only=True):
    algorithm: Algorithm | None = None
    earlyStopping: Algorithm | None = None
    requests: Count = None
    resumePolicy: Text = None


class _SuggestionStatus(_Status, kw_only=True):
    suggestions: list[_Suggested] | None = None
    suggestionCount: Count = None
    algorithmSettings: list[_Assignment] | None = None
    trialsEnded: Count = None


class _TrialSpec(TrialSpec, kw_only=True, frozen=True):
    parameterAssignments: list[_Assignment] | None = None
    runSpec: dict[str, Any] | None = None
    retainRun: bool | None = None
    successCondition: Text = None
    failureCondition: Text = None


class _TrialStatus(_Status, kw_only=True):
    observation: _Observation | None = None


def _problems(**parts: type[Struct]) -> Callable[[Manifest, Manifest | None], list[Problem]]:
    def problems(manifest: Manifest, old: Manifest | None) -> list[Problem]:
        listed = (_problem(manifest, old, field, shape) for field, shape in parts.items())
        return [each for each in listed if each is not None]

    return problems


def _problem(
    manifest: Manifest, old: Manifest | None, field: str, shape: type[Struct]
) -> Problem | None:
    value = manifest.get(field)
    if value is None or (old is not None and old.get(field) == value):
        return None
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as fault:
        why, _, place = str(fault).partition(" - at `$")
        return invalid(field + place.rstrip("`"), "", why)
    return None


def _names(manifest: Manifest, old: Manifest | None) -> Iterator[Problem]:
    """Of suggestions: each makes one trial."""
    listed = (manifest.get("status") or {}).get("suggestions") or ()
    if old is not None and ((old.get("status") or {}).get("suggestions") or ()) == listed:
        return
    known: set[str] = set()
    for place, each in enumerate(listed):
        at, name = f"status.suggestions[{place}].name", each.get("name") or ""
        if not name:
            yield required(at)
        elif name in known:
            yield duplicate(at, name)
        known.add(name)


_of_suggestion = _problems(spec=_SuggestionSpec, status=_SuggestionStatus)


def suggestion(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    return _of_suggestion(manifest, old) or list(_names(manifest, old))


experiment = _problems(status=_ExperimentStatus)
"""For `Rules.validate`; the spec is the webhook's."""
RULES: Mapping[str, Rules] = {
    names.SUGGESTION: Rules(validate=suggestion),
    names.TRIAL: Rules(validate=_problems(spec=_TrialSpec, status=_TrialStatus)),
}
