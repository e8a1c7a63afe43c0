"""The container that reads the metrics of a primary pod, as the collector of the trial asks for it.

Upstream: pkg/webhook/v1beta1/pod/inject_webhook.go getMetricsCollectorContainer and -Args.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from sampan.kinds.katib import settings as configured
from sampan.kinds.katib.pods.trial import TrialSpec
from sampan.kinds.katib.settings import Entry
from sampan.kinds.katib.types import HttpGet, MetricsCollector, Source
from sampan.kube import katib

CUSTOM = "Custom"


class Misconfigured(ValueError):
    """The trial does not say what its collector needs."""


def where(collector: MetricsCollector | None, entry: Entry) -> tuple[str, bool]:
    """(the path of the metrics, whether it is a directory); "" where there is none."""
    kind = (collector.collector.kind if collector and collector.collector else None) or ""
    source = (collector.source if collector else None) or Source()
    place = source.fileSystemPath
    if kind == "StdOut":
        return katib.METRICS_FILE, False
    if kind in ("File", "TensorFlowEvent"):
        if place is None or not place.path:
            raise Misconfigured(f"collector {kind} needs source.fileSystemPath.path")
        return place.path, kind != "File"
    if kind == CUSTOM and place is not None:
        return place.path or "", place.kind == "Directory"
    return (katib.MARKS, True) if configured.scrapes(entry) else ("", False)


def waits(kind: str, entry: Entry) -> bool:
    """Whether the collector waits for a mark of the program."""
    return kind in ("StdOut", "File", "TensorFlowEvent") or configured.scrapes(entry)


def container(trial: str, spec: TrialSpec, entry: Entry, endpoint: str) -> dict[str, Any]:
    """`entry`: of `katib-config`, with upstream's defaults. `endpoint`: where it is said that the
    trial was stopped early. Misconfigured."""
    collector = spec.metricsCollector
    if spec.kind == CUSTOM:
        own = collector.collector.customCollector if collector and collector.collector else None
        if not own:
            raise Misconfigured("collector Custom needs collector.customCollector")
        return copy.deepcopy(own)
    reads_files = spec.kind in ("StdOut", "File")
    return {
        "name": katib.LOGGER if reads_files else katib.COLLECTOR,
        "image": entry["image"],
        "args": list(_args(trial, spec, entry, endpoint)),
        "imagePullPolicy": entry["imagePullPolicy"],
        "resources": copy.deepcopy(entry["resources"]),
    }


def _args(trial: str, spec: TrialSpec, entry: Entry, endpoint: str) -> Iterator[str]:
    if spec.objective is None:
        raise Misconfigured("spec.objective must be specified")
    metrics = [spec.objective.objectiveMetricName or ""]
    metrics += spec.objective.additionalMetricNames or []
    yield from ("-t", trial, "-m", ";".join(metrics), "-o-type", spec.objective.type or "")
    yield from ("-s-db", katib.DB_MANAGER)
    path, _ = where(spec.metricsCollector, entry)
    if path:
        yield from ("-path", path)
    source = (spec.metricsCollector.source if spec.metricsCollector else None) or Source()
    if source.filter is not None and source.filter.metricsFormat:
        yield from ("-f", ";".join(source.filter.metricsFormat))
    if spec.kind == "File" and source.fileSystemPath is not None:
        yield from ("-format", source.fileSystemPath.format or "")
    if spec.kind == "StdOut":
        yield from ("-format", "TEXT")
    if configured.scrapes(entry):
        yield from _endpoint(source.httpGet or HttpGet())
    waits_for_all = entry.get("waitAllProcesses")
    if waits_for_all is not None:
        yield from ("-w", "true" if waits_for_all else "false")
    for rule in spec.earlyStoppingRules or ():
        parts = (rule.name or "", rule.value or "", rule.comparison or "", str(rule.startStep or 0))
        yield from ("-stop-rule", ";".join(parts))
    if spec.earlyStoppingRules:
        yield from ("-s-earlystop", endpoint)


def _endpoint(given: HttpGet) -> Iterator[str]:
    """Flags of our own. Always of the pod: its collector is a part of it."""
    if not given.port or not given.path:
        raise Misconfigured("collector PrometheusMetric needs source.httpGet.port and path")
    scheme = (given.scheme or "HTTP").lower()
    yield from ("-url", f"{scheme}://localhost:{given.port}{given.path}")
    for each in given.httpHeaders or ():
        yield from ("-header", f"{each.name}: {each.value or ''}")
