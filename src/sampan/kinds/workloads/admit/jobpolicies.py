"""Admission of a Job's `podFailurePolicy` and `successPolicy`.

Upstream: kubernetes pkg/apis/batch/validation validatePodFailurePolicy, validateSuccessPolicy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sampan.kinds.workloads.indexes import parse
from sampan.kube import formats
from sampan.kube.errors import Problem, duplicate, invalid, required, too_many, unsupported

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_MOST_RULES = 20
_MOST_CODES = 255
_MOST_LETTERS = 64 * 1024


def fill(spec: dict[str, Any]) -> None:
    """Defaults: a pod condition is meant when it is True."""
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            pattern.setdefault("status", "True")


def failure(
    policy: Mapping[str, Any] | None, path: str, *, pod: Mapping[str, Any], per_index: bool
) -> Iterator[Problem]:
    """`per_index`: the Job counts failures of each index by itself."""
    rules = (policy or {}).get("rules") or ()
    if len(rules) > _MOST_RULES:
        yield too_many(f"{path}.rules", len(rules), _MOST_RULES)
    named = [
        each.get("name")
        for field in ("containers", "initContainers")
        for each in pod.get(field) or ()
    ]
    for index, rule in enumerate(rules):
        yield from _rule(rule, f"{path}.rules[{index}]", named, per_index)


def _rule(
    rule: Mapping[str, Any], path: str, containers: list[Any], per_index: bool
) -> Iterator[Problem]:
    action = rule.get("action")
    if not action:
        yield required(f"{path}.action", f"valid values: {list(_ACTIONS)}")
    elif action not in _ACTIONS:
        yield unsupported(f"{path}.action", action, _ACTIONS)
    elif action == "FailIndex" and not per_index:
        yield invalid(f"{path}.action", action, "requires the backoffLimitPerIndex to be set")
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or ()
    if codes is not None and conditions:
        fault = "specifying both OnExitCodes and OnPodConditions is not supported"
        yield invalid(path, dict(rule), fault)
    if codes is not None:
        yield from _codes(codes, f"{path}.onExitCodes", containers)
    elif not conditions:
        fault = "specifying one of OnExitCodes and OnPodConditions is required"
        yield invalid(path, dict(rule), fault)
    yield from _conditions(conditions, f"{path}.onPodConditions")


def _conditions(patterns: Sequence[Mapping[str, Any]], path: str) -> Iterator[Problem]:
    if len(patterns) > _MOST_RULES:
        yield too_many(path, len(patterns), _MOST_RULES)
    for index, pattern in enumerate(patterns):
        kind = pattern.get("type") or ""
        if fault := formats.label_key(kind):
            yield invalid(f"{path}[{index}].type", kind, fault)
        if pattern.get("status", "True") not in _STATUSES:
            yield unsupported(f"{path}[{index}].status", pattern["status"], _STATUSES)


def _codes(codes: Mapping[str, Any], path: str, containers: list[Any]) -> Iterator[Problem]:
    operator, values = codes.get("operator"), codes.get("values") or []
    if not operator:
        yield required(f"{path}.operator", f"valid values: {list(_OPERATORS)}")
    elif operator not in _OPERATORS:
        yield unsupported(f"{path}.operator", operator, _OPERATORS)
    name = codes.get("containerName")
    if name is not None and name not in containers:
        fault = "must be one of the container or initContainer names in the pod template"
        yield invalid(f"{path}.containerName", name, fault)
    if not values:
        yield invalid(f"{path}.values", values, "at least one value is required")
    elif len(values) > _MOST_CODES:
        yield too_many(f"{path}.values", len(values), _MOST_CODES)
    elif values != sorted(values):
        yield invalid(f"{path}.values", values, "must be ordered")
    for index, value in enumerate(values):
        if value in values[:index]:
            yield duplicate(f"{path}.values[{index}]", value)
        if value == 0 and operator == "In":
            fault = "must not be 0 for the In operator"
            yield invalid(f"{path}.values[{index}]", value, fault)


def success(
    policy: Mapping[str, Any] | None, path: str, completions: int | None
) -> Iterator[Problem]:
    if policy is None:
        return
    rules = policy.get("rules") or ()
    if not rules:
        fault = "at least one rules must be specified when the successPolicy is specified"
        yield required(f"{path}.rules", fault)
    if len(rules) > _MOST_RULES:
        yield too_many(f"{path}.rules", len(rules), _MOST_RULES)
    for index, rule in enumerate(rules):
        yield from _success_rule(rule, f"{path}.rules[{index}]", completions or 0)


def _success_rule(rule: Mapping[str, Any], path: str, completions: int) -> Iterator[Problem]:
    wanted, text = rule.get("succeededCount"), rule.get("succeededIndexes")
    if wanted is None and text is None:
        yield required(path, "at least one of succeededCount or succeededIndexes must be specified")
    most = completions
    if text is not None:
        at = f"{path}.succeededIndexes"
        if len(text) > _MOST_LETTERS:
            yield invalid(at, "", "must be at most 64Ki characters")
            return
        try:
            most = sum(map(len, parse(text, below=completions)))
        except ValueError as wrong:
            yield invalid(at, text, f"error parsing succeededIndexes: {wrong}")
            return
    if wanted is not None and wanted <= 0:
        yield invalid(f"{path}.succeededCount", wanted, "must be greater than 0")
    elif wanted is not None and wanted > most:
        fault = f"must be less than or equal to {most} (the number of specified indexes)"
        yield invalid(f"{path}.succeededCount", wanted, fault)
