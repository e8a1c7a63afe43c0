"""How a Suggestion's status tells of what happened.

Upstream: pkg/apis/controller/suggestions/v1beta1/util.go,
pkg/controller.v1beta1/suggestion/suggestion_controller_status.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from sampan.kinds.katib import conditions
from sampan.kinds.katib.suggestion.snapshot import Request
from sampan.kube.conditions import get_condition, without_condition
from sampan.kube.searching import Earlier, SuggestAnswer, Suggested
from sampan.kube.times import rfc3339

Status = dict[str, Any]
_SUCCEEDED = "Suggestion is succeeded"
_RESTART = "Experiment is restarting"


def begun(request: Request) -> Status:
    status = dict(request.status)
    status.setdefault("startTime", rfc3339(request.now))
    return _marked(
        request, status, conditions.CREATED, "SuggestionCreated", "Suggestion is created"
    )


def ready(request: Request, status: Status, is_ready: bool) -> Status:
    reason = "DeploymentReady" if is_ready else "DeploymentNotReady"
    what = "Deployment is ready" if is_ready else "Deployment is not ready"
    return _marked(request, status, conditions.DEPLOYMENT_READY, reason, what, good=is_ready)


def running(request: Request, status: Status) -> Status:
    reason, what = "SuggestionRunning", "Suggestion is running"
    return _marked(request, status, conditions.RUNNING, reason, what)


def restarting(request: Request, status: Status) -> Status:
    """Its Experiment goes on, so what ended is not ended."""
    left = without_condition(status.get("conditions"), conditions.SUCCEEDED)
    status = {field: value for field, value in status.items() if field != "completionTime"}
    return _marked(
        request, {**status, "conditions": left}, conditions.RUNNING, _RESTART,
        "Suggestion is not running", good=False,
    )  # fmt: skip


def failed(request: Request, status: Status, why: str) -> Status:
    said = conditions.ended(
        status.get("conditions"), conditions.FAILED, "SuggestionFailed", why, request.now
    )
    return {**status, "conditions": said, "completionTime": rfc3339(request.now)}


def succeeded(request: Request, status: Status) -> Status:
    for type, what in (
        (conditions.RUNNING, "Suggestion is not running"),
        (conditions.DEPLOYMENT_READY, "Deployment is not ready"),
    ):
        if get_condition(status.get("conditions"), type) is not None:
            status = _marked(request, status, type, _SUCCEEDED, what, good=False)
    again = "can't be restarted"
    if request.policy == "FromVolume":
        again = "suggestion volume is not deleted, can be restarted"
    status = _marked(
        request, status, conditions.SUCCEEDED, "Experiment is succeeded", f"{_SUCCEEDED}, {again}"
    )
    return {**status, "completionTime": status.get("completionTime") or rfc3339(request.now)}


def extended(request: Request, status: Status, answer: SuggestAnswer) -> Status:
    """With what was suggested. Names that are there already are passed over."""
    known = {each.get("name") for each in request.suggested}
    new: dict[str, Suggested] = {}
    for each in answer.suggestions:
        if each.name not in known:
            new.setdefault(each.name, each)
    suggested = [*request.suggested, *map(_entry, new.values())]
    status = {**status, "suggestions": suggested, "suggestionCount": len(suggested)}
    if answer.earlier is not None:
        status.setdefault("warmStart", _plain(answer.earlier))
    if answer.settings:
        status["algorithmSettings"] = _overlaid(status.get("algorithmSettings"), answer.settings)
    if answer.over:
        return _marked(
            request, status, conditions.EXHAUSTED, "SuggestionEndReached",
            "Nothing is left that was not suggested",
        )  # fmt: skip
    return status


def _entry(suggested: Suggested) -> dict[str, Any]:
    return {field: value for field, value in _plain(suggested).items() if value}


def _plain(value: Suggested | Earlier) -> dict[str, Any]:
    whole: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return whole


def _overlaid(
    before: Iterable[Mapping[str, Any]] | None, told: Mapping[str, str]
) -> list[dict[str, str]]:
    known = {str(each.get("name")): str(each.get("value", "")) for each in before or ()}
    return [{"name": name, "value": value} for name, value in {**known, **told}.items()]


def _marked(
    request: Request, status: Status, type: str, reason: str, message: str, *, good: bool = True
) -> Status:
    said = conditions.marked(
        status.get("conditions"), type, reason, message, request.now,
        status="True" if good else "False",
    )  # fmt: skip
    return {**status, "conditions": said}
