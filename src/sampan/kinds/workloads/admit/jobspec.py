"""What can be wrong with a JobSpec, in a Job and in a CronJob's template of one alike.

The policies about failed pods and about success are in `jobpolicies`.
Upstream: kubernetes pkg/apis/batch/validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workloads.admit import common, jobpolicies
from sampan.kube import formats, templates
from sampan.kube.errors import Problem, invalid, required, unsupported

_MODES = ("NonIndexed", "Indexed")
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")
_MAX_INDEXED = 100_000
_MANAGER_LIMIT = 63
_NUMBERS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
    "ttlSecondsAfterFinished",
)
_INDEXED_ONLY = ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy")


def problems(spec: dict[str, Any], path: str) -> Iterator[Problem]:
    pod = spec["template"]["spec"]
    yield from common.not_negative(spec, _NUMBERS, path)
    yield from _choices(spec, path)
    yield from _indexed(spec, path)
    yield from templates.problems(spec["template"], f"{path}.template")
    yield from _restarts(spec, f"{path}.template.spec.restartPolicy")
    yield from jobpolicies.failure(
        spec.get("podFailurePolicy"),
        f"{path}.podFailurePolicy",
        pod=pod,
        per_index=spec.get("backoffLimitPerIndex") is not None,
    )
    if spec.get("completionMode") == "Indexed":
        yield from jobpolicies.success(
            spec.get("successPolicy"), f"{path}.successPolicy", spec.get("completions")
        )


def _choices(spec: dict[str, Any], path: str) -> Iterator[Problem]:
    mode = spec.get("completionMode") or "NonIndexed"
    if mode not in _MODES:
        yield unsupported(f"{path}.completionMode", mode, _MODES)
    replacement = spec.get("podReplacementPolicy")
    possible = _REPLACEMENTS[:1] if spec.get("podFailurePolicy") else _REPLACEMENTS
    if replacement is not None and replacement not in possible:
        yield unsupported(f"{path}.podReplacementPolicy", replacement, possible)
    manager = spec.get("managedBy")
    if manager is not None:
        if "/" not in manager:
            fault = 'must be a domain-prefixed path (such as "acme.io/foo")'
            yield invalid(f"{path}.managedBy", manager, fault)
        elif (fault_ := formats.label_key(manager)) or len(manager) > _MANAGER_LIMIT:
            yield invalid(f"{path}.managedBy", manager, fault_ or "must be at most 63 characters")


def _indexed(spec: dict[str, Any], path: str) -> Iterator[Problem]:
    if spec.get("completionMode") != "Indexed":
        for field in _INDEXED_ONLY:
            if spec.get(field) is not None:
                yield invalid(f"{path}.{field}", spec[field], "requires indexed completion mode")
        return
    completions = spec.get("completions")
    if completions is None:
        yield required(f"{path}.completions", "when completion mode is Indexed")
    for field in ("parallelism", "completions"):
        if (number := spec.get(field) or 0) > _MAX_INDEXED:
            fault = f"must be less than or equal to {_MAX_INDEXED} when completion mode is Indexed"
            yield invalid(f"{path}.{field}", number, fault)
    most = spec.get("maxFailedIndexes")
    if most is not None and spec.get("backoffLimitPerIndex") is None:
        yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if most is not None and completions is not None and most > completions:
        fault = "must be less than or equal to completions when specified"
        yield invalid(f"{path}.maxFailedIndexes", most, fault)


def _restarts(spec: dict[str, Any], path: str) -> Iterator[Problem]:
    policy = spec["template"]["spec"]["restartPolicy"]
    if policy == "Always":
        yield required(path, 'valid values: "OnFailure", "Never"')
    for field in ("podFailurePolicy", "backoffLimitPerIndex"):
        if policy == "OnFailure" and spec.get(field) is not None:
            yield invalid(path, policy, f'only "Never" is supported when {field} is specified')
