"""What is wrong in the fields of an Experiment, its template apart. The words are upstream's.

Upstream: pkg/webhook/v1beta1/experiment/validator/validator.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from sampan.kinds.katib.admit import endpoint
from sampan.kinds.katib.settings import Settings, Unknown
from sampan.kinds.katib.types import (
    Algorithm,
    FeasibleSpace,
    MetricsCollector,
    Objective,
    Parameter,
    Source,
    Spec,
)
from sampan.kube.errors import Problem, invalid, required, unsupported
from sampan.lib.regex.patterns import compiled

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
MOST_AT_ONCE = 1000
"""Trials that run at once. Upstream has no limit."""
_INT32 = 2**31 - 1
LONGEST_NAME = 40
"""Characters: names of trials and of their pods are made of it."""
_NAMING = (
    "name must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name', or 'abc-123', regex used "
    "for validation is '^[a-z]([-a-z0-9]*[a-z0-9])?)') and may not be longer than "
    f"{LONGEST_NAME} characters. "
)
SHUTDOWN = ("Stop", "Terminate")
RESUME = ("Never", "LongRunning", "FromVolume")
_TYPES = ("double", "int", "discrete", "categorical", "unknown")
_DISTRIBUTIONS = ("uniform", "logUniform", "normal", "logNormal", "unknown")
_TWO_GROUPS = re.compile(r".*\(.*\).*\(.*\).*")
_STRATEGIES = ("min", "max", "latest")
_BUDGET = ("spec.maxFailedTrialCount", "spec.maxTrialCount", "spec.parallelTrialCount")
_COLLECTOR = "spec.metricsCollectorSpec"
AT_COLLECTOR = f"{_COLLECTOR}.collector"
_SOURCE = f"{_COLLECTOR}.source"


def of_name(name: str) -> Iterator[Problem]:
    if not _NAME.match(name) or len(name) > LONGEST_NAME:
        yield invalid("metadata.name", name, _NAMING)


def of_budget(spec: Spec) -> Iterator[Problem]:
    at_failed, at_most, at_once = _BUDGET
    failed, most, parallel = spec.maxFailedTrialCount, spec.maxTrialCount, spec.parallelTrialCount
    if failed is not None and failed < 0:
        yield invalid(at_failed, failed, "should not be less than 0")
    if most is not None and most <= 0:
        yield invalid(at_most, most, "must be greater than 0")
    if parallel is not None and parallel <= 0:
        yield invalid(at_once, parallel, "must be greater than 0")
    if parallel is not None and parallel > MOST_AT_ONCE:
        yield invalid(at_once, parallel, f"must be at most {MOST_AT_ONCE}")
    for at, value in zip(_BUDGET, (failed, most, parallel), strict=True):
        if value is not None and value > _INT32:
            yield invalid(at, value, f"must be at most {_INT32}")
    for at, value in ((at_failed, failed), (at_once, parallel)):
        if value is not None and most is not None and value > most:
            yield invalid(at, value, "should be less than or equal to spec.maxTrialCount")


def of_objective(objective: Objective | None) -> Iterator[Problem]:
    if objective is None:
        yield required("spec.objective", "must be specified")
        return
    if objective.type not in ("minimize", "maximize"):
        yield invalid("spec.objective.type", objective.type or "", "must be minimize or maximize")
    if not objective.objectiveMetricName:
        yield required("spec.objective.objectiveMetricName", "must be specified")
    others = objective.additionalMetricNames or []
    if (objective.objectiveMetricName or "") in others:
        fault = "should not contain spec.objective.objectiveMetricName"
        yield invalid("spec.objective.additionalMetricNames", others, fault)
    for number, each in enumerate(objective.metricStrategies or ()):
        if each.value not in _STRATEGIES:
            at = f"spec.objective.metricStrategies[{number}].value"
            yield invalid(at, each.value or "", f"must be one of {', '.join(_STRATEGIES)}")


def of_search(spec: Spec, settings: Settings) -> Iterator[Problem]:
    """The algorithm, early stopping and what becomes of them afterwards."""
    algorithm, stopping = spec.algorithm, spec.earlyStopping
    if algorithm is None:
        yield required("spec.algorithm", "must be specified")
    else:
        yield from _named("spec.algorithm", algorithm, settings)
    if stopping is not None:
        yield from _named("spec.earlyStopping", stopping, settings)
    if (spec.resumePolicy or RESUME[0]) not in RESUME:
        yield invalid("spec.resumePolicy", spec.resumePolicy, "invalid ResumePolicyType")


def _named(at: str, given: Algorithm, settings: Settings) -> Iterator[Problem]:
    name, searches = given.algorithmName or "", at.endswith("algorithm")
    at = f"{at}.algorithmName"
    if not name:
        yield required(at, "must be specified")
    try:
        if searches:
            settings.service(name)
        else:
            settings.check_stopping(name)
    except Unknown as fault:
        what = "Suggestion" if searches else "EarlyStopping"
        yield invalid(at, name, f"unable to get {what} config data for algorithm {name}: {fault}")


def of_holding(spec: Spec) -> Iterator[Problem]:
    if (spec.shutdown or SHUTDOWN[0]) not in SHUTDOWN:
        yield unsupported("spec.shutdown", spec.shutdown, SHUTDOWN)


def of_parameters(spec: Spec) -> Iterator[Problem]:
    given, architecture = spec.parameters or [], spec.nasConfig
    if not given and architecture is None:
        yield required("spec", "spec.parameters or spec.nasConfig must be specified")
    if given and architecture is not None:
        fault = "only one of spec.parameters and spec.nasConfig can be specified"
        yield invalid("spec", "", fault)
    for at, parameter in enumerate(given):
        yield from _of_parameter(f"spec.parameters[{at}]", parameter)


def _of_parameter(at: str, given: Parameter) -> Iterator[Problem]:
    kind, space = given.parameterType or "", given.feasibleSpace or FeasibleSpace()
    if kind not in _TYPES:
        yield invalid(f"{at}.parameterType", kind, f"parameterType: {kind} is not supported")
    if space.distribution and space.distribution not in _DISTRIBUTIONS:
        fault = f"distribution: {space.distribution} is not supported"
        yield invalid(f"{at}.feasibleSpace.distribution", space.distribution, fault)
    if space == FeasibleSpace():
        yield required(f"{at}.feasibleSpace", "feasibleSpace must be specified")
    elif kind in ("double", "int"):
        if space.choices:
            fault = f"feasibleSpace.list is not supported for parameterType: {kind}"
            yield invalid(f"{at}.feasibleSpace.list", space.choices, fault)
        if not space.max or not space.min:
            fault = "feasibleSpace.max or feasibleSpace.min must be specified for parameterType"
            yield required(f"{at}.feasibleSpace.max", f"{fault}: {kind}")
    elif kind in ("categorical", "discrete") and (space.max or space.min or space.step):
        fault = f"feasibleSpace .max, .min and .step is not supported for parameterType: {kind}"
        shown = {name: value for name, value in msgspec.to_builtins(space).items() if value}
        yield invalid(f"{at}.feasibleSpace", shown, fault)


def of_collector(given: MetricsCollector, settings: Settings) -> Iterator[Problem]:
    kind = (given.collector.kind if given.collector else None) or ""
    source = given.source or Source()
    if kind in ("StdOut", "File", "TensorFlowEvent", "PrometheusMetric"):
        try:
            settings.check_collector(kind)
        except Unknown as missing:
            said = f"GetMetricsCollectorConfigData failed: {missing}"
            yield invalid(f"{AT_COLLECTOR}.kind", kind, said)
    match kind:
        case "Push":
            return
        case "StdOut":
            pass
        case "File":
            yield from _of_file(source)
        case "TensorFlowEvent":
            yield from _of_directory(source)
        case "PrometheusMetric":
            yield from endpoint.problems(source, kind)
        case "Custom":
            yield from _of_custom(given, source, kind)
        case _:
            fault = f"invalid metrics collector kind: {kind}"
            yield invalid(f"{AT_COLLECTOR}.kind", kind, fault)
    yield from _of_filter(source)


def _of_file(source: Source) -> Iterator[Problem]:
    where = source.fileSystemPath
    if where is None or where.kind != "File" or not (where.path or "").startswith("/"):
        yield required(
            f"{_SOURCE}.fileSystemPath.path", "file path where metrics file exists is required"
        )
    form = where.format if where else None
    if form not in ("TEXT", "JSON"):
        fault = "format of metrics file is required for metrics collector"
        yield required(f"{_SOURCE}.fileSystemPath.format", fault)
    if form == "JSON" and source.filter is not None:
        fault = "filter must be nil when format of metrics file is json"
        yield invalid(f"{_SOURCE}.filter", "", fault)


def _of_directory(source: Source) -> Iterator[Problem]:
    where = source.fileSystemPath
    if where is None or where.kind != "Directory" or not (where.path or "").startswith("/"):
        yield required(
            _SOURCE,
            "directory path where tensorflow event files exist is required by "
            ".spec.metricsCollectorSpec.source.fileSystemPath.path",
        )
    if where is not None and where.format:
        yield invalid(f"{_SOURCE}.fileSystemPath.format", where.format, "must be empty")


def _of_custom(given: MetricsCollector, source: Source, kind: str) -> Iterator[Problem]:
    if given.collector is None or given.collector.customCollector is None:
        fault = f"metrics collector kind: {kind} is required"
        yield required(f"{AT_COLLECTOR}.customCollector", fault)
    else:
        for field in ("name", "image"):
            if not given.collector.customCollector.get(field):
                yield required(f"{AT_COLLECTOR}.customCollector.{field}", "")
    where = source.fileSystemPath
    if where is not None and (
        not (where.path or "").startswith("/") or where.kind not in ("Directory", "File")
    ):
        fault = ".spec.metricsCollectorSpec.source is invalid"
        yield invalid(f"{_SOURCE}.fileSystemPath", "", fault)


def _of_filter(source: Source) -> Iterator[Problem]:
    at = f"{_SOURCE}.filter.metricsFormat"
    for pattern in (source.filter.metricsFormat if source.filter else None) or ():
        try:
            risky = compiled(pattern).risky
        except ValueError as wrong:
            yield invalid(at, pattern, f"invalid filter: {wrong}")
            continue
        if risky:  # Go's matcher can read it, ours can only search
            yield invalid(at, pattern, "a filter that repeats a repetition is not read")
        if not _TWO_GROUPS.match(pattern):
            yield invalid(at, pattern, "two top subexpressions are required")
