"""The object that a Trial makes (its job, whatever its kind is), and what it has come to.

The conditions are paths of gjson into the whole object; one is met by an object or by a list that
has something in it. The first thing found tells reason and message.
Upstream: pkg/controller.v1beta1/trial/util/job_util.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest, kind_of
from sampan.lib import gjson

Outcome = Literal["", "Succeeded", "Failed"]


class Finding(Struct, frozen=True, kw_only=True):
    """`outcome` is "" while neither condition is met. `since`: when it was met, where it says."""

    outcome: Outcome = ""
    reason: str = ""
    message: str = ""
    since: str = ""


def key_of(trial: Manifest) -> Key | None:
    """Where the job is; None when the Trial has nothing that could be one."""
    run = (trial.get("spec") or {}).get("runSpec")
    if not isinstance(run, dict):
        return None
    version, kind = run.get("apiVersion"), run.get("kind")
    if not (isinstance(version, str) and version and isinstance(kind, str) and kind):
        return None
    return Key(kind_of(version, kind), meta.namespace_of(trial), _name(trial, run))


def _name(trial: Manifest, run: Mapping[str, Any]) -> str:
    about = run.get("metadata")
    named = about.get("name") if isinstance(about, dict) else None
    return str(named or meta.name_of(trial))


def build(trial: Manifest) -> Manifest:
    """What to create. It is the Trial's own, and goes with it."""
    run = trial["spec"]["runSpec"]
    about = run.get("metadata")
    return {
        **run,
        "metadata": {
            **(about if isinstance(about, dict) else {}),
            "name": _name(trial, run),
            "namespace": meta.namespace_of(trial),
            "ownerReferences": [meta.controlled_by(trial)],
        },
    }


def is_strange(trial: Manifest, job: Manifest) -> bool:
    """Whether the job is somebody else's, and stays. One of a Trial of this name before goes."""
    if meta.is_owned_by(job, trial) or meta.deleting(job):
        return False
    return not any(
        kind_of(each["apiVersion"], each["kind"]) == names.TRIAL
        and each["name"] == meta.name_of(trial)
        for each in meta.owners(job)
    )


def examine(trial: Manifest, job: Manifest | None) -> Finding:
    """What the conditions say, the one for failure first. A path that is none is a failure: it
    would never be met."""
    spec = trial.get("spec") or {}
    if job is None or not meta.is_owned_by(job, trial):
        return Finding()
    paths: tuple[tuple[Outcome, str], ...] = (
        ("Failed", str(spec.get("failureCondition") or "")),
        ("Succeeded", str(spec.get("successCondition") or "")),
    )
    try:
        for outcome, path in paths:
            met = _met(job, path) if path else None
            if met is not None:
                return _told(outcome, met, job)
    except gjson.Mistake as wrong:
        return Finding(outcome="Failed", message=str(wrong))
    return Finding()


def _met(job: Manifest, path: str) -> Mapping[str, Any] | None:
    found = gjson.look(job, path)
    first = found[0] if isinstance(found, list) and found else found
    if isinstance(first, dict):
        return first
    return {} if isinstance(found, list) and found else None


def _told(outcome: Outcome, met: Mapping[str, Any], job: Manifest) -> Finding:
    status = job.get("status")
    status = status if isinstance(status, dict) else {}
    times = (
        met.get("lastTransitionTime"), met.get("finishedAt"),
        status.get("completionTime"), status.get("finishedAt"),
    )  # fmt: skip
    return Finding(
        outcome=outcome,
        reason=_text(met.get("reason")),
        message=_text(met.get("message")),
        since=next((each for each in times if isinstance(each, str)), ""),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
