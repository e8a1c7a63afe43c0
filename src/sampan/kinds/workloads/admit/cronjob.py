"""Admission of CronJobs. Upstream: kubernetes pkg/apis/batch/{v1/defaults.go,validation}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workloads.admit import common, jobpolicies, jobspec
from sampan.kube import templates, unenforced
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, invalid, required, unsupported
from sampan.kube.keys import Manifest
from sampan.lib import cron

_POLICIES = ("Allow", "Forbid", "Replace")
_NAME_LIMIT = 52
"""A Job's name has eleven characters more, and 63 are the most that a label's value can have."""
_NUMBERS = ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
_DEFAULTS: dict[str, Any] = {
    "concurrencyPolicy": "Allow",
    "suspend": False,
    "successfulJobsHistoryLimit": 3,
    "failedJobsHistoryLimit": 1,
}
_TEMPLATE = "spec.jobTemplate.spec"


def default(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    for field, value in _DEFAULTS.items():
        if spec.get(field) in (None, ""):
            spec[field] = value
    template = spec.setdefault("jobTemplate", {})
    template.setdefault("metadata", {})
    job = template.setdefault("spec", {})
    jobpolicies.fill(job)
    templates.fill(job.setdefault("template", {}))


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec, name = manifest["spec"], manifest["metadata"].get("name") or ""
    found = [
        *_schedule(spec),
        *common.not_negative(spec, _NUMBERS),
        *_template(spec["jobTemplate"]),
    ]
    if (policy := spec["concurrencyPolicy"]) not in _POLICIES:
        found.append(unsupported("spec.concurrencyPolicy", policy, _POLICIES))
    if old is None and len(name) > _NAME_LIMIT:
        fault = f"must be no more than {_NAME_LIMIT} characters"
        found.append(invalid("metadata.name", name, fault))
    return found


def _schedule(spec: dict[str, Any]) -> Iterator[Problem]:
    schedule, zone = spec.get("schedule") or "", spec.get("timeZone")
    if not schedule:
        yield required("spec.schedule")
    elif "TZ" in schedule:
        fault = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        yield invalid("spec.schedule", schedule, fault)
    else:
        try:
            cron.parse(schedule)
        except ValueError as wrong:
            yield invalid("spec.schedule", schedule, str(wrong))
    if zone is None:
        return
    if not zone:
        yield invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")
    elif zone.lower() == "local":
        yield invalid("spec.timeZone", zone, "timeZone must be an explicit time zone as defined in"
                      " https://www.iana.org/time-zones")  # fmt: skip
    else:
        try:
            cron.zone(zone)
        except ValueError as wrong:
            yield invalid("spec.timeZone", zone, str(wrong))


def _template(template: dict[str, Any]) -> Iterator[Problem]:
    job = template["spec"]
    if job.get("selector") is not None:
        fault = "`selector` will be auto-generated"
        yield invalid(f"{_TEMPLATE}.selector", job["selector"], fault)
    if job.get("manualSelector"):
        yield unsupported(f"{_TEMPLATE}.manualSelector", True, ("nil", "false"))
    yield from jobspec.problems(job, _TEMPLATE)


def warn(manifest: Manifest) -> list[str]:
    pod = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return unenforced.warnings(pod, f"{_TEMPLATE}.template.spec")


RULES = Rules(default=default, validate=validate, warn=warn)
