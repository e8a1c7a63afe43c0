"""OptimizationJob: have an Experiment search, and say what it found.

    Created -> Complete (numTrials are done) | Failed
    Created=False while there can be no trials, with the reason

Upstream: proposals/2605-optimization-job-crd, its conditions and reasons.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.katib.conditions import FAILED, SUCCEEDED
from sampan.kinds.katib.optimization import experiment
from sampan.kube import meta, names
from sampan.kube.conditions import Condition, get_condition, is_true, set_condition
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import NOTHING, Action, Controller, Create, Emit, Patch, Plan, View

CREATED, COMPLETE = "Created", "Complete"
NO_JOBS = "TrainJobsCreationFailed"
_UNSERVED = f'no matches for kind "TrainJob" in version "{names.TRAINER_GROUP}/v1alpha1"'


class Wish(Struct, frozen=True, kw_only=True):
    """A job, and the Experiment of the name that its own has. `served`: there are TrainJobs."""

    manifest: Manifest
    experiment: Manifest | None
    served: bool
    now: datetime


def see(view: View, key: Key) -> Wish | None:
    manifest = view.get(key)
    if manifest is None or meta.deleting(manifest):
        return None
    child = Key(names.KATIB_EXPERIMENT, key.namespace, experiment.name_of(manifest))
    return Wish(
        manifest=manifest,
        experiment=view.get(child),
        served=view.has_kind(names.TRAIN_JOB),
        now=view.now(),
    )


def decide(wish: Wish) -> Plan:
    said = (wish.manifest.get("status") or {}).get("conditions")
    if is_true(said, COMPLETE) or is_true(said, FAILED):
        return NOTHING
    if wish.experiment is None:
        if not wish.served:
            return _held_up(wish, _UNSERVED)
        made = Create(experiment.build(wish.manifest))
        return Plan(status=_created(wish), actions=(made,), instead=_Refused(wish))
    if not meta.is_controlled_by(wish.experiment, wish.manifest):
        other = f"the Experiment {meta.name_of(wish.experiment)} is another one's"
        return _held_up(wish, other)
    return Plan(status=_followed(wish, wish.experiment))


class _Refused(Struct, frozen=True):
    """For `Plan.instead`: there can be no such Experiment, and the spec stays as it is."""

    wish: Wish

    def __call__(self, action: Action, message: str) -> list[Action]:
        said = _with(self.wish, CREATED, "False", NO_JOBS, message)
        said = _set(self.wish, said, FAILED, "True", NO_JOBS, message)
        patch = {"metadata": {"uid": meta.uid_of(self.wish.manifest)}, "status": said}
        told = Emit("Warning", NO_JOBS, message)
        return [told, Patch(_key(self.wish.manifest), patch, "status")]


def _held_up(wish: Wish, why: str) -> Plan:
    status = _with(wish, CREATED, "False", NO_JOBS, why)
    known = get_condition((wish.manifest.get("status") or {}).get("conditions"), CREATED)
    told = () if (known or {}).get("message") == why else (Emit("Warning", NO_JOBS, why),)
    return Plan(status=status, actions=told)


def _created(wish: Wish) -> dict[str, Any]:
    return _with(wish, CREATED, "True", "OptimizationJobCreated", "trials are made")


def _followed(wish: Wish, found: Manifest) -> dict[str, Any]:
    status, theirs = _created(wish), found.get("status") or {}
    if result := _result(theirs):
        status = {**status, "result": result}
    conditions = theirs.get("conditions")
    if is_true(conditions, SUCCEEDED):
        return _set(wish, status, COMPLETE, "True", "MaxTrialsReached", "all trials are done")
    if is_true(conditions, FAILED):
        message = str((get_condition(conditions, FAILED) or {}).get("message") or "")
        return _set(wish, status, FAILED, "True", "SearchFailed", message)
    return status


def _result(status: Manifest) -> dict[str, Any] | None:
    best = status.get("currentOptimalTrial") or {}
    if not best.get("bestTrialName"):
        return None
    return {
        "trainJobName": best["bestTrialName"],
        "parameters": [
            {"name": each["name"], "value": each["value"]}
            for each in best.get("parameterAssignments") or ()
        ],
    }


def _with(wish: Wish, type: str, status: str, reason: str, message: str) -> dict[str, Any]:
    return _set(wish, dict(wish.manifest.get("status") or {}), type, status, reason, message)


def _set(
    wish: Wish, said: dict[str, Any], type: str, status: str, reason: str, message: str
) -> dict[str, Any]:
    new: Condition = {"type": type, "status": status, "reason": reason, "message": message}
    new["observedGeneration"] = wish.manifest["metadata"].get("generation") or 1
    return {**said, "conditions": set_condition(said.get("conditions"), new, wish.now)}


def _key(job: Manifest) -> Key:
    return Key(names.OPTIMIZATION_JOB, meta.namespace_of(job), meta.name_of(job))


OPTIMIZATION_JOB = Controller(
    name="optimizationjob", of=names.OPTIMIZATION_JOB, see=see, decide=decide
)
