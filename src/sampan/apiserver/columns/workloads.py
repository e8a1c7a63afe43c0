"""What makes pods: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob and the like."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sampan.apiserver.columns.printer import (
    AGE,
    NAME,
    NONE,
    UNKNOWN,
    UNSET,
    Printer,
    age,
    between,
    condition,
    containers,
    flag,
    labels,
    name_of,
    number,
    selector,
    since,
    text,
    wide,
)
from sampan.kube.keys import Manifest

_PODS = wide("Containers", "Images", "Selector")


def _parts(manifest: Manifest) -> tuple[dict[str, Any], dict[str, Any]]:
    return manifest.get("spec") or {}, manifest.get("status") or {}


def _wide(spec: dict[str, Any]) -> list[str]:
    return [*containers(spec.get("template")), selector(spec.get("selector"))]


def _deployment(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = _parts(manifest)
    return [
        name_of(manifest),
        f"{status.get('readyReplicas') or 0}/{spec.get('replicas', 1)}",
        status.get("updatedReplicas") or 0,
        status.get("availableReplicas") or 0,
        age(manifest, now),
        *_wide(spec),
    ]


def _replica_set(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = _parts(manifest)
    found = spec.get("selector")
    old = manifest.get("kind") == "ReplicationController"
    return [
        name_of(manifest),
        spec.get("replicas", 1),
        status.get("replicas") or 0,
        status.get("readyReplicas") or 0,
        age(manifest, now),
        *containers(spec.get("template")),
        labels(found) if old else selector(found),
    ]


def _stateful_set(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = _parts(manifest)
    ready = f"{status.get('readyReplicas') or 0}/{spec.get('replicas', 1)}"
    return [name_of(manifest), ready, age(manifest, now), *containers(spec.get("template"))]


def _daemon_set(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = _parts(manifest)
    pod = (spec.get("template") or {}).get("spec") or {}
    counts = (
        "desiredNumberScheduled", "currentNumberScheduled", "numberReady",
        "updatedNumberScheduled", "numberAvailable",
    )  # fmt: skip
    return [
        name_of(manifest),
        *(status.get(count) or 0 for count in counts),
        labels(pod.get("nodeSelector")),
        age(manifest, now),
        *_wide(spec),
    ]


def _job(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = _parts(manifest)
    done, wanted = status.get("succeeded") or 0, spec.get("completions")
    if wanted is not None:
        completions = f"{done}/{wanted}"
    else:
        parallel = spec.get("parallelism") or 0
        completions = f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"
    start, end = status.get("startTime"), status.get("completionTime")
    took = "" if not start else (between(start, end) if end else since(start, now))
    return [name_of(manifest), _job_status(manifest), completions, took, age(manifest, now),
            *_wide(spec)]  # fmt: skip


def _job_status(manifest: Manifest) -> str:
    for kind, shown in (("Complete", "Complete"), ("Failed", "Failed")):
        if condition(manifest, kind).get("status") == "True":
            return shown
    if manifest["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for kind in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if condition(manifest, kind).get("status") == "True":
            return kind
    return "Running"


def _cron_job(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = _parts(manifest)
    last = status.get("lastScheduleTime")
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    return [
        name_of(manifest),
        spec.get("schedule", ""),
        spec.get("timeZone") or NONE,
        flag(spec.get("suspend")),
        len(status.get("active") or ()),
        since(last, now) if last else NONE,
        age(manifest, now),
        *_wide(job),
    ]


def _revision(manifest: Manifest, now: datetime) -> list[Any]:
    owners = manifest["metadata"].get("ownerReferences") or ()
    owner = next((ref for ref in owners if ref.get("controller")), None)
    shown = f"{str(owner.get('kind', '')).lower()}/{owner.get('name', '')}" if owner else NONE
    return [name_of(manifest), shown, manifest.get("revision", 0), age(manifest, now)]


def _pod_template(manifest: Manifest, now: datetime) -> list[Any]:
    template = manifest.get("template") or {}
    meta = template.get("metadata") or {}
    return [name_of(manifest), *containers(template), labels(meta.get("labels"))]


def _autoscaler(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = _parts(manifest)
    target = spec.get("scaleTargetRef") or {}
    return [
        name_of(manifest),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _metrics(spec, status),
        str(spec["minReplicas"]) if spec.get("minReplicas") is not None else UNSET,
        spec.get("maxReplicas", 0),
        status.get("currentReplicas") or 0,
        age(manifest, now),
    ]


_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
_SHOWN = 2


def _metrics(spec: dict[str, Any], status: dict[str, Any]) -> str:
    """`cpu: 10%/80%` for each metric; <unknown> where nothing was measured."""
    wanted = spec.get("metrics") or ()
    known = {
        _metric_name(item): (_metric_body(item).get("current") or {})
        for item in status.get("currentMetrics") or ()
        if item
    }
    shown = [_metric(item, known.get(_metric_name(item)) or {}) for item in wanted[:_SHOWN]]
    more = f" + {len(wanted) - _SHOWN} more..." if len(wanted) > _SHOWN else ""
    return ", ".join(shown) + more if shown else NONE


def _metric_body(item: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = item.get(_SOURCES.get(item.get("type") or "", "")) or {}
    return found


def _metric_name(item: dict[str, Any]) -> tuple[str, ...]:
    body = _metric_body(item)
    metric = (body.get("metric") or {}).get("name") or ""
    about = (body.get("describedObject") or {}).get("name") or ""
    return (item.get("type") or "", body.get("name") or metric, body.get("container") or "", about)


def _metric(item: dict[str, Any], current: dict[str, Any]) -> str:
    kind, body = item.get("type") or "", _metric_body(item)
    target = body.get("target") or {}
    before = f"{body.get('name', '')}: " if "Resource" in kind else ""
    if "averageUtilization" in target:
        has = current.get("averageUtilization")
        seen = UNKNOWN if has is None else f"{has}%"
        return f"{before}{seen}/{target['averageUtilization']}%"
    if "averageValue" in target:
        after = " (avg)" if kind in ("Object", "External") else ""
        return f"{before}{current.get('averageValue') or UNKNOWN}/{target['averageValue']}{after}"
    return f"{before}{current.get('value') or UNKNOWN}/{target.get('value', '')}"


_COUNTED = (
    NAME,
    number("Desired", "How many pods there should be."),
    number("Current", "How many there are."),
    number("Ready", "How many are ready."),
    AGE,
    *_PODS,
)
PRINTERS = {
    ("apps", "Deployment"): Printer(
        (
            NAME,
            text("Ready", "Pods that are ready, of those wanted."),
            text("Up-to-date", "Pods made from the present template."),
            text("Available", "Pods that have been ready for long enough."),
            AGE,
            *_PODS,
        ),
        _deployment,
    ),
    ("apps", "ReplicaSet"): Printer(_COUNTED, _replica_set),
    ("", "ReplicationController"): Printer(_COUNTED, _replica_set),
    ("apps", "StatefulSet"): Printer(
        (NAME, text("Ready", "Pods that are ready, of those wanted."), AGE, *_PODS[:2]),
        _stateful_set,
    ),
    ("apps", "DaemonSet"): Printer(
        (
            NAME,
            *map(number, ("Desired", "Current", "Ready", "Up-to-date", "Available")),
            text("Node Selector"),
            AGE,
            *_PODS,
        ),
        _daemon_set,
    ),
    ("apps", "ControllerRevision"): Printer(
        (NAME, text("Controller"), number("Revision"), AGE), _revision
    ),
    ("batch", "Job"): Printer(
        (
            NAME,
            text("Status", "Running, Complete, Failed, Suspended or Terminating."),
            text("Completions", "Pods that succeeded, of those wanted."),
            text("Duration", "How long the job has run, or took."),
            AGE,
            *_PODS,
        ),
        _job,
    ),
    ("batch", "CronJob"): Printer(
        (
            NAME,
            text("Schedule"),
            text("Timezone"),
            text("Suspend"),
            number("Active", "Jobs that run now."),
            text("Last Schedule"),
            AGE,
            *_PODS,
        ),
        _cron_job,
    ),
    ("", "PodTemplate"): Printer(
        (NAME, text("Containers"), text("Images"), text("Pod Labels")), _pod_template
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): Printer(
        (
            NAME,
            text("Reference"),
            text("Targets"),
            text("MinPods"),
            text("MaxPods"),
            number("Replicas"),
            AGE,
        ),
        _autoscaler,
    ),
}
