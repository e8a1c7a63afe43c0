"""Experiment: keep parallelTrialCount trials running until the search is over.

    Created -> Running -> Succeeded (goal, maxTrialCount, nothing left, stopped) | Failed
    Succeeded -> Restarting + Running   when the budget is raised and the policy keeps the search
    Running <-> Suspended               as its owner wants (`holding`)

A look counts the trials, judges, and lets as many more begin as there is room for: those that are
suggested, while more suggestions are asked for. Names of trials are those of their suggestions, so
that a plan that is carried out twice makes nothing twice. Trials beyond parallelTrialCount are
deleted, the newest first, and their suggestions taken back. An Experiment that has ended is counted
on as long as trials of it run.
Upstream: pkg/controller.v1beta1/experiment/experiment_controller.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from sampan.kinds.katib import conditions, restarts, template, types, words
from sampan.kinds.katib import settings as configured
from sampan.kinds.katib.experiment import (
    holding,
    snapshot,
    suggestions,
    tally,
    trials,
    verdict,
)
from sampan.kinds.katib.experiment.snapshot import Broken, Search, Trial
from sampan.kinds.katib.experiment.tally import Tally
from sampan.kinds.katib.experiment.verdict import Verdict
from sampan.kinds.katib.extensions import question
from sampan.kinds.katib.extensions.question import Question
from sampan.kinds.katib.template import Missing, Unusable
from sampan.kinds.katib.types import Spec
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import NOTHING, Action, Controller, Create, Delete, Emit, Patch, Plan, View
from sampan.kube.times import rfc3339

_REST = 0.00002
"""Seconds for each trial in which an Experiment is not looked at again: a look and a write cost as
much as there are trials, and so they bring the news of several."""
_MANY = 50
"""Of so many trials one that has begun is not worth a write."""
_LATE = 2.0
"""Seconds after which it is."""


def see(view: View, key: Key) -> Search | Broken | None:
    manifest = view.get(key)
    if manifest is None:
        return None
    try:
        spec = types.read(manifest.get("spec"), Spec)
        name = (spec.algorithm.algorithmName if spec.algorithm else None) or ""
        asked = question.of(manifest["spec"], ours=configured.find(view).is_ours(name))
    except ValueError as wrong:
        return Broken(manifest=manifest, why=str(wrong), now=view.now())
    suggestion = view.get(key.as_kind(names.SUGGESTION))
    if suggestion is not None and not meta.is_owned_by(suggestion, manifest):
        suggestion = None  # of an Experiment of this name before; it goes with that
    made = _trials(view, manifest, suggestion, asked)
    return Search(
        manifest=manifest,
        spec=spec,
        question=asked,
        trials=made,
        suggestion=suggestion,
        text=_text(view, spec, key.namespace),
        now=view.now(),
        taken=_taken(view, manifest, suggestion, {each.name for each in made}),
    )


def _trials(
    view: View, experiment: Manifest, suggestion: Manifest | None, asked: Question
) -> tuple[Trial, ...]:
    """In the order of their suggestions."""
    owned: Sequence[Trial]
    if restarts.is_completed(experiment.get("status") or {}):  # nothing more to keep in mind
        owned = [snapshot.trial(each, asked) for each in view.owned(experiment, names.TRIAL)]
    else:
        owned = view.owned_as(experiment, names.TRIAL, snapshot.trial, asked)
    listed = ((suggestion or {}).get("status") or {}).get("suggestions") or ()
    places = {each.get("name"): place for place, each in enumerate(listed)}
    last = len(places)
    return tuple(sorted(owned, key=lambda each: (places.get(each.name, last), each.name)))


def _taken(
    view: View, experiment: Manifest, suggestion: Manifest | None, own: Set[str]
) -> frozenset[str]:
    """Names of suggestions that others' Trials have, for good."""
    if restarts.is_completed(experiment.get("status") or {}):
        return frozenset()
    listed = ((suggestion or {}).get("status") or {}).get("suggestions") or ()
    waiting = {each.get("name") or "" for each in listed} - own - {""}
    where = meta.namespace_of(experiment)
    found = (view.get(Key(names.TRIAL, where, each)) for each in sorted(waiting))
    return frozenset(
        meta.name_of(each)
        for each in found
        if each is not None and trials.is_strange(each, experiment)
    )


def _text(view: View, spec: Spec, namespace: str) -> str | Unusable:
    if spec.trialTemplate is None:
        return Unusable("spec.trialTemplate must be specified")
    try:
        return template.find(view, spec.trialTemplate, namespace)
    except Unusable as fault:
        return fault


def decide(seen: Search | Broken) -> Plan:
    if meta.deleting(seen.manifest):
        return _farewell(seen.manifest)
    if isinstance(seen, Broken):
        said = dict(seen.manifest.get("status") or {})
        why = f"Experiment has failed because it cannot be read: {seen.why}"
        return _ended(seen, said, verdict.failed(why), [])
    counts = tally.of(seen)
    status, before = _begun(seen)
    status = _counted(seen, status, counts)
    if restarts.is_completed(seen.status):
        if not restarts.is_asked(seen.manifest["spec"], seen.status):
            return Plan(status=status, actions=tuple(before), rest=_rest(counts))
        status, told = _restarted(seen, status)
        before.append(told)
    end = verdict.judge(seen, counts)
    status, events = holding.told(seen, status, ends=end is not None)
    before += events
    if end is not None:
        return _ended(seen, status, end, before)
    if seen.trials and not seen.spec.suspend:
        status = _marked(seen, status, conditions.RUNNING, "ExperimentRunning", "is running")
    try:
        actions = _next(seen, counts)
    except Missing as fault:  # which may come back, and then there is another look
        actions = [Emit("Warning", words.RECONCILE_ERROR, f"Failed to reconcile: {fault}")]
    except Unusable as fault:  # which nothing can mend
        why = f"Experiment has failed because no trial can be made: {fault}"
        return _ended(seen, status, verdict.failed(why), before)
    late = _LATE if _may_wait(seen, status) else None
    return Plan(
        status=None if late else status,
        actions=(*before, *actions),
        again_in=late,
        rest=_rest(counts),
        instead=_Refused(seen.manifest, status, seen.now),
    )


def _may_wait(search: Search, status: Mapping[str, Any]) -> bool:
    """Whether the status has no other news than that a few of many trials have just begun. That is
    written with other news, or when nothing has begun for a while."""
    few, news = len(search.trials) // _MANY, tally.begun(search.status, status)
    if news is None or news > 2 * few:
        return False
    ages = [search.now - each.made for each in search.trials if each.active]
    return any(age < timedelta(seconds=_LATE) for age in ages)


class _Refused(Struct, frozen=True):
    """For `Plan.instead`: the Experiment failed because a trial was refused."""

    manifest: Manifest
    status: dict[str, Any]
    now: datetime

    def __call__(self, action: Action, message: str) -> list[Action]:
        if not isinstance(action, Create):
            return []
        why = f"Experiment has failed because no trial can be made: {message}"
        seen = Broken(manifest=self.manifest, why=message, now=self.now)
        end = _ended(seen, self.status, verdict.failed(why), [])
        patch = {"metadata": {"uid": meta.uid_of(self.manifest)}, "status": end.status}
        return [*end.actions, Patch(_key(self.manifest), patch, "status")] if end.status else []


def _rest(counts: Tally) -> float:
    return counts.total * _REST


def _begun(search: Search) -> tuple[dict[str, Any], list[Action]]:
    """The status with what every Experiment has, and what the first look does."""
    experiment, actions = search.manifest, list[Action]()
    if not meta.has_finalizer(experiment, words.FINALIZER_EXPERIMENT):
        patch = meta.with_finalizer(experiment, words.FINALIZER_EXPERIMENT)
        actions.append(Patch(_key(experiment), patch))
        help = "The total number of created experiments"
        actions.append(words.counted(experiment, "experiment", "created", help))
    status = dict(search.status)
    status.setdefault("startTime", rfc3339(search.now))
    status = _marked(search, status, conditions.CREATED, "ExperimentCreated", "is created")
    return status, actions


def _counted(search: Search, status: dict[str, Any], counts: Tally) -> dict[str, Any]:
    if search.trials or not status.get("trials"):  # results outlive the trials, as with upstream
        status = {field: value for field, value in status.items() if field not in tally.WRITTEN}
        status |= tally.fields(counts)
    if begun_with := suggestions.warm_start(search):
        status = {**status, "warmStart": begun_with}
    return status


def _marked(
    search: Search, status: dict[str, Any], type: str, reason: str, what: str
) -> dict[str, Any]:
    said = status.get("conditions")
    marked = conditions.marked(said, type, reason, f"Experiment {what}", search.now)
    return {**status, "conditions": marked}


def _restarted(search: Search, status: dict[str, Any]) -> tuple[dict[str, Any], Action]:
    left = [
        each
        for each in status["conditions"]
        if each["type"] not in (conditions.SUCCEEDED, conditions.FAILED)
    ]
    reason, what = "ExperimentRestarting", "is restarted"
    status = _marked(search, {**status, "conditions": left}, conditions.RESTARTING, reason, what)
    return status, Emit("Normal", reason, f"Experiment {what}")


def _ended(
    seen: Search | Broken, status: dict[str, Any], said: Verdict, before: list[Action]
) -> Plan:
    if restarts.is_completed(status):
        return NOTHING
    good = said.type == conditions.SUCCEEDED
    how = "succeeded" if good else "failed"
    status = {
        **status,
        "conditions": conditions.ended(
            status.get("conditions"), said.type, said.reason, said.message, seen.now
        ),
        "completionTime": rfc3339(seen.now),
    }
    told = Emit("Normal" if good else "Warning", said.reason, said.message)
    help = f"The total number of {how} experiments"
    measured = words.counted(seen.manifest, "experiment", how, help)
    return Plan(status=status, actions=(*before, told, measured))


def _next(search: Search, counts: Tally) -> list[Action]:
    """What makes as many trials run as are to. Unusable."""
    if lost := holding.doomed(search):
        return [_deleted(search, each) for each in reversed(lost)]
    running = [each for each in search.trials if each.active and not each.deleting]
    if len(running) > search.parallel:
        return _fewer(search, running[search.parallel :])
    if holding.is_held(search):
        return []
    most, going = search.spec.maxTrialCount, sum(each.active for each in search.trials)
    wanted = search.parallel if most is None else min(search.parallel, most - counts.completed)
    room = wanted - going
    if room <= 0:
        return []
    # Those that were stopped early teach nothing until their metrics are read.
    unread = sum(each.phase == "EarlyStopped" and not each.observed for each in search.trials)
    kept = sum(not each.deleting for each in search.trials)
    waiting = list(suggestions.waiting(search))[:room]
    if isinstance(search.text, Unusable):
        raise search.text
    for each in waiting:
        if each["name"] in search.taken:
            raise Unusable(f'trial "{each["name"]}" exists and is not of this Experiment')
    made = [Create(trials.build(search, search.text, each)) for each in waiting]
    return [*made, *suggestions.asked(search, kept + room - unread)]


def _fewer(search: Search, surplus: list[Trial]) -> list[Action]:
    actions, done = suggestions.taken_back(search, {each.name for each in surplus})
    if done:
        actions += [_deleted(search, each) for each in reversed(surplus)]
    return actions


def _deleted(search: Search, trial: Trial) -> Action:
    return Delete(Key(names.TRIAL, search.namespace, trial.name), trial.uid)


def _farewell(experiment: Manifest) -> Plan:
    if not meta.has_finalizer(experiment, words.FINALIZER_EXPERIMENT):
        return NOTHING
    patch = meta.without_finalizer(experiment, words.FINALIZER_EXPERIMENT)
    help = "The total number of deleted experiments"
    measured = words.counted(experiment, "experiment", "deleted", help)
    return Plan(actions=(measured, Patch(_key(experiment), patch)))


def _key(manifest: Manifest) -> Key:
    return Key(names.KATIB_EXPERIMENT, meta.namespace_of(manifest), meta.name_of(manifest))


EXPERIMENT = Controller(name="experiment", of=names.KATIB_EXPERIMENT, see=see, decide=decide)
