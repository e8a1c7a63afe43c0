"""Trial: make what it says, wait for its end, and read what was measured.

    Created -> Running -> Succeeded | MetricsUnavailable | Failed
                       -> EarlyStopped, which the metrics collector says

The object is made in the first look, and the Trial runs as soon as it is there. What the object
says of itself counts (`jobs`); success needs an observation too, which is asked for when the object
is done, and again whenever more was reported (the annotation that counts reports). A Trial that is
over has its object deleted, unless it is to be retained. What the cluster refuses for good to make
fails the Trial, and so does a kind that trials may not make (`settings`): it would be made with our
rights, which are not those of who wrote the template.
Upstream: pkg/controller.v1beta1/trial/trial_controller.go.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from sampan.kinds.katib import conditions, phases, unanswered, words
from sampan.kinds.katib import settings as configured
from sampan.kinds.katib.pods import preview
from sampan.kinds.katib.trial import blame, jobs, observation, status
from sampan.kinds.katib.trial.jobs import Finding
from sampan.kinds.katib.trial.snapshot import Attempt
from sampan.kinds.katib.trial.status import Turn
from sampan.kube import meta, names, searching
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import (
    NOTHING,
    Action,
    Controller,
    Create,
    Delete,
    Emit,
    Patch,
    Plan,
    Unanswered,
    View,
)
from sampan.kube.searching import ObservationQuestion
from sampan.kube.times import parse

PATIENCE = 60.0
"""Seconds after the end of a job in which a collector has to report something. Upstream waits for
ever, and so does everybody whose pod was given no collector."""
_PUSH = "Push"


def see(view: View, key: Key) -> Attempt | None:
    manifest = view.get(key)
    if manifest is None:
        return None
    where, now = jobs.key_of(manifest), view.now()
    served = where is not None and view.has_kind(where.kind)
    job = view.get(where) if where is not None and served else None
    finding = jobs.examine(manifest, job)
    pause, answer = unanswered.left(manifest.get("status") or {}, now), None
    if not pause and _is_due(manifest, finding):
        answer = view.consult(searching.OBSERVATIONS, _question(manifest))
    return Attempt(
        manifest=manifest,
        where=where,
        served=served,
        forbidden=_forbidden(view, manifest, job, finding),
        job=job,
        finding=finding,
        answer=answer,
        blame=_blame(view, manifest, finding, job),
        pause=pause,
        now=now,
    )


def _forbidden(view: View, trial: Manifest, job: Manifest | None, finding: Finding) -> str:
    if job is None:
        return _forbidden_kind(view, trial)
    if finding.outcome or phases.over(phases.phase_of(trial)) or not meta.is_owned_by(job, trial):
        return ""
    return preview.fault(view, trial, job)


def _forbidden_kind(view: View, trial: Manifest) -> str:
    where = jobs.key_of(trial)
    try:
        if where is not None:
            configured.find(view).check_trial(where.kind)
    except configured.Unknown as fault:
        return str(fault)
    return ""


def _blame(view: View, trial: Manifest, finding: Finding, job: Manifest | None) -> str:
    """What its pods say, while it is tried again, or has failed and nobody has said so yet."""
    retried = not finding.outcome and blame.may_be_retried(job or {})
    if phases.over(phases.phase_of(trial)) or not (finding.outcome == "Failed" or retried):
        return ""
    mine = {"matchLabels": {names.LABEL_TRIAL: meta.name_of(trial)}}
    return blame.of(view.select(names.POD, meta.namespace_of(trial), mine))


def _is_due(trial: Manifest, finding: Finding) -> bool:
    """Whether it is time to read what was reported."""
    phase = phases.phase_of(trial)
    if meta.deleting(trial):
        return False
    if phase == "EarlyStopped":
        return "observation" not in (trial.get("status") or {})
    return not phases.over(phase) and finding.outcome == "Succeeded"


def _question(trial: Manifest) -> ObservationQuestion:
    reports = meta.annotations_of(trial).get(names.ANNOTATION_REPORTS) or ""
    return ObservationQuestion(
        namespace=meta.namespace_of(trial),
        trial=meta.name_of(trial),
        uid=meta.uid_of(trial),
        reports=int(reports) if reports.isdecimal() and len(reports) < 16 else 0,
    )


def decide(attempt: Attempt) -> Plan:
    if meta.deleting(attempt.manifest):
        return _farewell(attempt.manifest)
    if attempt.phase == "EarlyStopped" and "observation" not in attempt.status:
        return _read(attempt)
    if phases.over(attempt.phase):
        return _tidied(attempt)
    before = _held(attempt)
    said = status.begun(attempt)
    if (fault := _fault(attempt)) is not None:
        turn = status.failed(attempt, said, fault)
        return Plan(status=turn.status, actions=(*before, *turn.actions))
    if attempt.job is None:
        return _made(attempt, said, before)
    if not meta.is_owned_by(attempt.job, attempt.manifest):
        return Plan(status=said, actions=tuple(before))  # it goes, and ours comes
    return _followed(attempt, said, before)


def _held(attempt: Attempt) -> list[Action]:
    trial = attempt.manifest
    if phases.is_created(attempt.status):
        return []
    help = "The total number of created trials"
    actions: list[Action] = [words.counted(trial, "trial", "created", help)]
    if not meta.has_finalizer(trial, words.FINALIZER_TRIAL):  # made by hand
        actions.append(Patch(_key(trial), meta.with_finalizer(trial, words.FINALIZER_TRIAL)))
    return actions


def _fault(attempt: Attempt) -> Finding | None:
    """Why there can be no job."""
    if attempt.where is None:
        return Finding(outcome="Failed", message="spec.runSpec must have apiVersion and kind")
    if not attempt.served:
        run = attempt.spec["runSpec"]
        what = f'no matches for kind "{run["kind"]}" in version "{run["apiVersion"]}"'
        return Finding(outcome="Failed", message=what)
    if attempt.forbidden:
        return Finding(outcome="Failed", message=attempt.forbidden)
    if attempt.job is not None and jobs.is_strange(attempt.manifest, attempt.job):
        what = f"{attempt.where.kind} {attempt.where.name} exists and is not of this Trial"
        return Finding(outcome="Failed", message=what)
    return None


class _Refused(Struct, frozen=True):
    """For `Plan.instead`: the Trial failed because its job was refused."""

    attempt: Attempt
    said: dict[str, Any]

    def __call__(self, action: Action, message: str) -> list[Action]:
        if not isinstance(action, Create):
            return []
        finding = Finding(outcome="Failed", message=message)
        turn = status.failed(self.attempt, self.said, finding)
        patch = {"metadata": {"uid": meta.uid_of(self.attempt.manifest)}, "status": turn.status}
        return [*turn.actions, Patch(_key(self.attempt.manifest), patch, "status")]


def _made(attempt: Attempt, said: dict[str, Any], before: list[Action]) -> Plan:
    job = jobs.build(attempt.manifest)
    told = Emit("Normal", "JobCreated", f"Job {meta.name_of(job)} has been created")
    turn = status.running(attempt, said)
    return Plan(
        status=turn.status,
        actions=(*before, Create(job), told, *turn.actions),
        instead=_Refused(attempt, said),
    )


def _followed(attempt: Attempt, said: dict[str, Any], before: list[Action]) -> Plan:
    wait = None
    match attempt.finding.outcome:
        case "Failed":
            turn = status.failed(attempt, said, attempt.finding)
        case "Succeeded":
            turn, wait = _observed(attempt, said)
        case _:
            turn = status.running(attempt, said)
    return Plan(status=turn.status, actions=(*before, *turn.actions), again_in=wait)


def _observed(attempt: Attempt, said: dict[str, Any]) -> tuple[Turn, float | None]:
    """What becomes of a Trial whose job has succeeded, and when to look again."""
    turn = status.running(attempt, said)
    answer, objective = attempt.answer, attempt.spec.get("objective") or {}
    if isinstance(answer, Unanswered):
        return _untold(turn.status, answer, attempt), unanswered.SHORTEST
    if answer is None:
        return turn, attempt.pause or None
    turn = Turn(status=_answered(turn.status), actions=turn.actions)
    if not answer.metrics and (told := observation.told_by(attempt.job)).metrics:
        answer = told
    if not answer.metrics and not answer.why and (left := _patience(attempt)) != 0:
        return turn, left
    found = observation.of(objective, answer)
    silence = "" if answer.metrics else observation.silence(attempt.spec)
    why = observation.fault(objective, found, answer.why, silence)
    with_it = {**turn.status, "observation": found}
    if not why:
        return status.succeeded(attempt, with_it), None
    return status.unavailable(attempt, with_it if answer.metrics else turn.status, why), None


def _patience(attempt: Attempt) -> float | None:
    """Seconds left for a first report; None: for ever, as nobody knows when the job ended."""
    collector = (attempt.spec.get("metricsCollector") or {}).get("collector") or {}
    if collector.get("kind") == _PUSH:
        return 0.0  # programs report before they end
    try:
        ended = parse(attempt.finding.since)
    except ValueError:
        return None
    passed = max((attempt.now - ended).total_seconds(), 0.0)  # a clock may have been set back
    return max(PATIENCE - passed, 0.0)


def _read(attempt: Attempt) -> Plan:
    """The metrics of a Trial that was stopped early; its job goes when they are read."""
    said, answer = status.stopped(attempt, dict(attempt.status)), attempt.answer
    if answer is None:
        return Plan(status=said, again_in=attempt.pause or None)
    if isinstance(answer, Unanswered):
        turn = _untold(said, answer, attempt)
        return Plan(status=turn.status, actions=tuple(turn.actions), again_in=unanswered.SHORTEST)
    found = observation.of(attempt.spec.get("objective") or {}, answer)
    return Plan(status={**_answered(said), "observation": found})


def _untold(said: dict[str, Any], answer: Unanswered, attempt: Attempt) -> Turn:
    told = unanswered.told(said.get("conditions"), answer, attempt.now)
    event = Emit("Warning", words.RECONCILE_ERROR, f"Failed to reconcile: {answer.message}")
    return Turn(status={**said, "conditions": told}, actions=(event,))


def _answered(said: dict[str, Any]) -> dict[str, Any]:
    return {**said, "conditions": unanswered.over(said.get("conditions"))}


def _tidied(attempt: Attempt) -> Plan:
    """A Trial that is over needs its job no more."""
    job = attempt.job
    if job is None or meta.deleting(job) or attempt.spec.get("retainRun"):
        return NOTHING
    if not meta.is_owned_by(job, attempt.manifest) or attempt.where is None:
        return NOTHING
    told = Emit("Normal", "JobDeleted", f"Job {attempt.where.name} has been deleted")
    return Plan(actions=(Delete(attempt.where, meta.uid_of(job), "Foreground"), told))


def _farewell(trial: Manifest) -> Plan:
    if not meta.has_finalizer(trial, words.FINALIZER_TRIAL):
        return NOTHING
    help = "The total number of deleted trials"
    patch = meta.without_finalizer(trial, words.FINALIZER_TRIAL)
    return Plan(actions=(words.counted(trial, "trial", "deleted", help), Patch(_key(trial), patch)))


def _key(trial: Manifest) -> Key:
    return Key(names.TRIAL, meta.namespace_of(trial), meta.name_of(trial))


def _recover(view: View, key: Key, fault: str) -> Plan | None:
    """What no look can deal with ends the Trial."""
    manifest = view.get(key)
    if manifest is None or phases.over(phases.phase_of(manifest)):
        return None
    said = dict(manifest.get("status") or {})
    ended = conditions.ended(
        said.get("conditions"), conditions.FAILED, "TrialFailed",
        f"Trial has failed. Job message: {fault}", view.now(),
    )  # fmt: skip
    return Plan(status={**said, "conditions": ended})


TRIAL = Controller(name="trial", of=names.TRIAL, see=see, decide=decide, recover=_recover)
