"""Admission of Jobs: defaults, the generated selector, validation.

A Job's pods are found by a label with the Job's uid, which is written into the template and the
selector when the Job is made, unless `manualSelector` says that the user did it.
Upstream: kubernetes pkg/registry/batch/job/strategy.go, pkg/apis/batch/{v1/defaults.go,validation}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workloads.admit import common
from sampan.kube import formats, names, templates
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, forbidden, invalid, required, unsupported
from sampan.kube.keys import Manifest

_OLD_JOB_NAME, _OLD_UID = "job-name", "controller-uid"
_MODES = ("NonIndexed", "Indexed")
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")
_MAX_INDEXED = 100_000
_NUMBERS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
)
_NOT_YET = {
    "podFailurePolicy": "not supported by Sampan: every failed pod counts towards backoffLimit",
    "successPolicy": "not supported by Sampan: all completions are needed",
    "backoffLimitPerIndex": "not supported by Sampan: backoffLimit counts over all indexes",
    "maxFailedIndexes": "not supported by Sampan: backoffLimit counts over all indexes",
}
_SCHEDULING = ("nodeSelector", "affinity", "tolerations", "schedulingGates")


def default(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    if spec.get("parallelism") is None:
        spec["parallelism"] = 1
    spec.setdefault("backoffLimit", 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
    templates.fill(spec.setdefault("template", {}))
    about = manifest["metadata"]
    given = spec["template"]["metadata"].get("labels")
    if given and not about.get("labels"):
        about["labels"] = {**given}


def prepare(manifest: Manifest, old: Manifest | None) -> None:
    """On create: the selector, and the labels that it finds."""
    spec, about = manifest["spec"], manifest["metadata"]
    uid = about.get("uid")
    if old is not None or spec.get("manualSelector") or not uid:
        return
    template = spec["template"]["metadata"]
    template["labels"] = {
        **(template.get("labels") or {}),
        names.LABEL_JOB_NAME: about["name"],
        names.LABEL_CONTROLLER_UID: uid,
        _OLD_JOB_NAME: about["name"],
        _OLD_UID: uid,
    }
    selector = spec.get("selector") or {}
    wanted = {**(selector.get("matchLabels") or {}), names.LABEL_CONTROLLER_UID: uid}
    spec["selector"] = {**selector, "matchLabels": wanted}


def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    return [
        *common.not_negative(spec, _NUMBERS),
        *_choices(spec),
        *_indexed(manifest),
        *common.not_supported(spec, _NOT_YET, "spec"),
        *templates.selector_problems(spec.get("selector"), spec["template"], "job"),
        *templates.problems(spec["template"]),
        *_restarts(spec["template"]["spec"]),
        *_changes(manifest, old),
    ]


def _choices(spec: dict[str, Any]) -> Iterator[Problem]:
    if spec["completionMode"] not in _MODES:
        yield unsupported("spec.completionMode", spec["completionMode"], _MODES)
    if spec["podReplacementPolicy"] not in _REPLACEMENTS:
        yield unsupported("spec.podReplacementPolicy", spec["podReplacementPolicy"], _REPLACEMENTS)
    manager = spec.get("managedBy")
    if manager is not None and (fault := formats.label_key(manager)):
        yield invalid("spec.managedBy", manager, fault)


def _indexed(manifest: Manifest) -> Iterator[Problem]:
    spec = manifest["spec"]
    if spec["completionMode"] != "Indexed":
        return
    completions = spec.get("completions")
    if completions is None:
        yield required("spec.completions", "when completion mode is Indexed")
        return
    for field in ("parallelism", "completions"):
        if spec[field] > _MAX_INDEXED:
            fault = f"must be less than or equal to {_MAX_INDEXED} when completion mode is Indexed"
            yield invalid(f"spec.{field}", spec[field], fault)
    host = f"{manifest['metadata']['name']}-{max(0, completions - 1)}"
    if fault_ := formats.dns_label(host):
        yield invalid("metadata.name", manifest["metadata"]["name"], f"host name {host}: {fault_}")


def _restarts(pod: dict[str, Any]) -> Iterator[Problem]:
    if pod["restartPolicy"] == "Always":
        fault = 'valid values: "OnFailure", "Never"'
        yield required("spec.template.spec.restartPolicy", fault)


def _changes(manifest: Manifest, old: Manifest | None) -> Iterator[Problem]:
    if old is None:
        return
    yield from common.immutable(manifest, old, ("selector", "completionMode", "managedBy"))
    new, before = manifest["spec"], old["spec"]
    if new.get("completions") != before.get("completions"):
        elastic = new["completionMode"] == "Indexed"
        if not elastic or new.get("completions") != new.get("parallelism"):
            yield invalid("spec.completions", new.get("completions"), "field is immutable")
    started = (old.get("status") or {}).get("startTime")
    if before.get("suspend") and not started:  # a queue may still say where the pods may run
        same = _placeless(new["template"]) == _placeless(before["template"])
    else:
        same = new["template"] == before["template"]
    if not same:
        yield invalid("spec.template", _short(new["template"]), "field is immutable")
    if bool(new.get("manualSelector")) != bool(before.get("manualSelector")):
        yield forbidden("spec.manualSelector", "may not change")


def _placeless(template: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in template["spec"].items() if k not in _SCHEDULING}


def _short(template: dict[str, Any]) -> dict[str, Any]:
    """Enough to know a template by, for a message."""
    pod = template.get("spec") or {}
    return {"containers": [each.get("name") for each in pod.get("containers") or ()]}


RULES = Rules(default=default, prepare=prepare, validate=validate, warn=common.warn)
