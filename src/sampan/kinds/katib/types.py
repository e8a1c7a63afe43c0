"""The spec of an Experiment as admission and the controllers read it.

Upstream's field names, all of them, and two of ours (`suspend`, `shutdown`); what Go reads as
nothing (null, absent) is None or "" here.
The controllers hand objects on as they were written, not as they are read here.
Upstream: pkg/apis/controller/{experiments,common}/v1beta1.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")
Text = str | None


class FeasibleSpace(Struct, frozen=True, kw_only=True):
    min: Text = None
    max: Text = None
    step: Text = None
    choices: list[str] | None = msgspec.field(name="list", default=None)
    distribution: Text = None


class Parameter(Struct, frozen=True, kw_only=True):
    name: Text = None
    parameterType: Text = None
    feasibleSpace: FeasibleSpace | None = None


class Strategy(Struct, frozen=True, kw_only=True):
    """How the values of a metric become one: `min`, `max` or `latest`."""

    name: Text = None
    value: Text = None


class Objective(Struct, frozen=True, kw_only=True):
    type: Text = None
    goal: float | None = None
    objectiveMetricName: Text = None
    additionalMetricNames: list[str] | None = None
    metricStrategies: list[Strategy] | None = None


class Setting(Struct, frozen=True, kw_only=True):
    name: Text = None
    value: Text = None


class Algorithm(Struct, frozen=True, kw_only=True):
    """What searches, and what stops early."""

    algorithmName: Text = None
    algorithmSettings: list[Setting] | None = None


class ConfigMapSource(Struct, frozen=True, kw_only=True):
    configMapName: Text = None
    configMapNamespace: Text = None
    templatePath: Text = None


class TrialParameter(Struct, frozen=True, kw_only=True):
    name: Text = None
    description: Text = None
    reference: Text = None


class TrialTemplate(Struct, frozen=True, kw_only=True):
    retain: bool | None = None
    trialSpec: dict[str, Any] | None = None
    configMap: ConfigMapSource | None = None
    trialParameters: list[TrialParameter] | None = None
    primaryPodLabels: dict[str, str] | None = None
    primaryContainerName: Text = None
    successCondition: Text = None
    failureCondition: Text = None


class FileSystemPath(Struct, frozen=True, kw_only=True):
    path: Text = None
    kind: Text = None
    format: Text = None


class Header(Struct, frozen=True, kw_only=True):
    name: Text = None
    value: Text = None


class HttpGet(Struct, frozen=True, kw_only=True):
    path: Text = None
    port: int | str | None = None
    host: Text = None
    scheme: Text = None
    httpHeaders: list[Header] | None = None


class Filter(Struct, frozen=True, kw_only=True):
    metricsFormat: list[str] | None = None


class Source(Struct, frozen=True, kw_only=True):
    httpGet: HttpGet | None = None
    fileSystemPath: FileSystemPath | None = None
    filter: Filter | None = None


class Collector(Struct, frozen=True, kw_only=True):
    kind: Text = None
    customCollector: dict[str, Any] | None = None


class MetricsCollector(Struct, frozen=True, kw_only=True):
    source: Source | None = None
    collector: Collector | None = None


class GraphConfig(Struct, frozen=True, kw_only=True):
    numLayers: int | None = None
    inputSizes: list[int] | None = None
    outputSizes: list[int] | None = None


class Operation(Struct, frozen=True, kw_only=True):
    operationType: Text = None
    parameters: list[Parameter] | None = None


class NasConfig(Struct, frozen=True, kw_only=True):
    graphConfig: GraphConfig | None = None
    operations: list[Operation] | None = None


class Spec(Struct, frozen=True, kw_only=True):
    parameters: list[Parameter] | None = None
    objective: Objective | None = None
    algorithm: Algorithm | None = None
    earlyStopping: Algorithm | None = None
    trialTemplate: TrialTemplate | None = None
    parallelTrialCount: int | None = None
    maxTrialCount: int | None = None
    maxFailedTrialCount: int | None = None
    metricsCollectorSpec: MetricsCollector | None = None
    nasConfig: NasConfig | None = None
    resumePolicy: Text = None
    suspend: bool | None = None
    shutdown: Text = None


def read(value: Any, type: type[T]) -> T:
    """The view of a part of a manifest. ValueError says where it has another type."""
    return msgspec.convert(value or {}, type)
