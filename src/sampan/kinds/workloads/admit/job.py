"""Admission of Jobs: defaults, the generated selector, validation.

A Job's pods are found by a label with the Job's uid, which is written into the template and the
selector when the Job is made, unless `manualSelector` says that the user did it.
Upstream: kubernetes pkg/registry/batch/job/strategy.go, pkg/apis/batch/{v1/defaults.go,validation}.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workloads.admit import common, jobpolicies, jobspec
from sampan.kube import formats, names, templates
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, forbidden, invalid
from sampan.kube.keys import Manifest

_OLD_JOB_NAME, _OLD_UID = "job-name", "controller-uid"
_UNLIMITED = 2**31 - 1
"""What backoffLimit is where each index has a limit of its own."""
_IMMUTABLE = (
    "selector",
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "successPolicy",
    "managedBy",
)
_SCHEDULING = ("nodeSelector", "affinity", "tolerations", "schedulingGates")


def default(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = 1
    if spec.get("parallelism") is None:
        spec["parallelism"] = 1
    if spec.get("backoffLimit") is None:
        spec["backoffLimit"] = 6 if spec.get("backoffLimitPerIndex") is None else _UNLIMITED
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    replacement = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    spec.setdefault("podReplacementPolicy", replacement)
    jobpolicies.fill(spec)
    templates.fill(spec.setdefault("template", {}))
    about = manifest["metadata"]
    given = spec["template"]["metadata"].get("labels")
    if given and not about.get("labels"):
        about["labels"] = {**given}


def prepare(manifest: Manifest, old: Manifest | None) -> None:
    """On create: the selector, and the labels that it finds."""
    spec, about = manifest["spec"], manifest["metadata"]
    uid = about.get("uid")
    if old is not None or spec.get("manualSelector") or not uid or not about.get("name"):
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
        *jobspec.problems(spec, "spec"),
        *_host_names(manifest),
        *templates.selector_problems(spec.get("selector"), spec["template"], "job"),
        *_changes(manifest, old),
    ]


def _host_names(manifest: Manifest) -> Iterator[Problem]:
    """The pods of an Indexed Job have its name and their index for a host name."""
    spec, name = manifest["spec"], manifest["metadata"]["name"]
    if spec["completionMode"] == "Indexed":
        host = f"{name}-{max(0, (spec.get('completions') or 0) - 1)}"
        if fault := formats.dns_label(host):
            yield invalid("metadata.name", name, f"host name {host}: {fault}")


def _changes(manifest: Manifest, old: Manifest | None) -> Iterator[Problem]:
    if old is None:
        return
    yield from common.immutable(manifest, old, _IMMUTABLE)
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
