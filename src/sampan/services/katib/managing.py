"""Katib's gRPC services: DBManager, Suggestion, EarlyStopping.

Requests name a Trial without its namespace. A pod means the one of its own; who may look everywhere
means the only one of that name, and has to ask from a pod where there are several.
Upstream: cmd/db-manager/v1beta1/main.go, pkg/suggestion, pkg/earlystopping/v1beta1/medianstop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from sampan.engine.cluster import Cluster
from sampan.kinds.katib.extensions import question
from sampan.kinds.katib.extensions.question import Question
from sampan.kinds.katib.extensions.texts import Wrong
from sampan.kube import meta, names
from sampan.kube.katib import Batch, Log
from sampan.kube.keys import Key, Manifest, key_of
from sampan.lib.proto import Message, get
from sampan.lib.search.problem import Trial
from sampan.lib.search.process import Reply, Request
from sampan.records.katib.log import LONGEST_NAME, Full, Wanted, micros, written
from sampan.records.katib.store import Store
from sampan.services.grpc import messages
from sampan.services.grpc.messages import Failed
from sampan.services.grpc.server import Server, Service
from sampan.services.grpc.standard import with_standard
from sampan.services.katib import problems, wire
from sampan.services.katib.api import API
from sampan.services.katib.callers import NOBODY, Caller
from sampan.services.katib.observing import Observing
from sampan.services.katib.searcher import Searcher

Curve = tuple[tuple[float, float], ...]
Curves = Callable[[Caller, Sequence[str], str], Awaitable[Mapping[str, Curve]]]
"""(caller, names of trials, metric) -> what each reported"""
_STOPPING = "medianstop"
"""Upstream's service has no other algorithm, and does not look at the name."""


_MOST = 1000
"""Suggestions of one answer."""


def server(cluster: Cluster, store: Store, observing: Observing, searcher: Searcher) -> Server:
    """All of them, with health and reflection."""
    manager = _Manager(cluster, store, observing)
    searching = _Searching(searcher, manager.curves)
    return Server(
        with_standard(
            [
                Service(
                    API,
                    "DBManager",
                    {
                        "ReportObservationLog": manager.report,
                        "GetObservationLog": manager.log,
                        "DeleteObservationLog": manager.delete,
                    },
                ),
                Service(
                    API,
                    "Suggestion",
                    {
                        "GetSuggestions": searching.suggest,
                        "ValidateAlgorithmSettings": searching.check,
                    },
                ),
                Service(
                    API,
                    "EarlyStopping",
                    {
                        "GetEarlyStoppingRules": searching.rules,
                        "ValidateEarlyStoppingSettings": searching.check_stopping,
                        "SetTrialStatus": manager.stop,
                    },
                ),
            ]
        )
    )


class _Manager:
    """What was observed of trials."""

    def __init__(self, cluster: Cluster, store: Store, observing: Observing) -> None:
        self._cluster = cluster
        self._store = store
        self._observing = observing

    async def report(self, caller: Caller, request: Message) -> Message:
        trial = key_of(self._trial(caller, request))
        listed = get(request, "observation_log", "metric_logs", default=())
        logs = [_log(number, each) for number, each in enumerate(listed)]
        batch = Batch(source="", first=0, logs=logs)
        try:
            await self._observing.report(trial.namespace, trial.name, batch)
        except Full as fault:
            raise Failed(messages.RESOURCE_EXHAUSTED, str(fault)) from fault
        return {}

    async def log(self, caller: Caller, request: Message) -> Message:
        """Nothing was reported of a Trial that there is not."""
        wanted = Wanted(
            metric=get(request, "metric_name"),
            since=_moment(get(request, "start_time"), "start time"),
            until=_moment(get(request, "end_time"), "completion time"),
        )
        found = self._found(caller, request)
        log = await self._store.log(meta.uid_of(found), wanted) if found else ()
        listed = [
            {
                "time_stamp": written(each.time),
                "metric": {"name": each.metric, "value": each.value},
            }
            for each in log
        ]
        return {"observation_log": {"metric_logs": listed}}

    async def delete(self, caller: Caller, request: Message) -> Message:
        found = self._found(caller, request)
        if found is not None:
            await self._store.delete([meta.uid_of(found)])
        return {}

    async def stop(self, caller: Caller, request: Message) -> Message:
        trial = key_of(self._trial(caller, request))
        await self._observing.stopped(trial.namespace, trial.name)
        return {}

    async def curves(self, caller: Caller, trials: Sequence[str], metric: str) -> dict[str, Curve]:
        """What those of the trials that there are have reported, by name."""
        found = {name: self._found(caller, {"trial_name": name}) for name in trials if name}
        uids = {name: meta.uid_of(each) for name, each in found.items() if each is not None}
        series = await self._store.series(sorted(uids.values()), metric)
        return {name: problems.reports(series.get(uid, ())) for name, uid in uids.items()}

    def _trial(self, caller: Caller, request: Message) -> Manifest:
        found = self._found(caller, request)
        if found is None:
            where = f" in namespace {caller.namespace}" if caller.namespace else ""
            text = f'there is no trial "{get(request, "trial_name")}"{where}'
            raise Failed(messages.NOT_FOUND, text)
        return found

    def _found(self, caller: Caller, request: Message) -> Manifest | None:
        _admit(caller)
        name = get(request, "trial_name")
        if not name:
            raise Failed(messages.INVALID_ARGUMENT, "trial_name is empty")
        if caller.namespace:
            return self._cluster.get(Key(names.TRIAL, caller.namespace, name))
        found = [each for each in self._cluster.list(names.TRIAL) if meta.name_of(each) == name]
        if len(found) > 1:
            where = ", ".join(meta.namespace_of(each) for each in found)
            text = f'trials "{name}" are in namespaces {where}: ask from a pod of one of them'
            raise Failed(messages.FAILED_PRECONDITION, text)
        return found[0] if found else None


class _Searching:
    """The algorithms, for whoever brings an experiment and its trials along. What trials reported
    on their way is read here, as upstream's services ask the DBManager for it."""

    def __init__(self, searcher: Searcher, curves: Curves) -> None:
        self._searcher = searcher
        self._curves = curves

    async def check(self, caller: Caller, request: Message) -> Message:
        _admit(caller)
        experiment = wire.experiment_of(get(request, "experiment", default={}))
        await self._ask(Request(verb="check", **_problem(experiment)))
        return {}

    async def suggest(self, caller: Caller, request: Message) -> Message:
        _admit(caller)
        experiment = wire.experiment_of(get(request, "experiment", default={}))
        trials = wire.trials_of(get(request, "trials", default=()), _question(experiment))
        wanted = get(request, "current_request_number", default=0)
        if wanted > _MOST:
            text = f"current_request_number must be at most {_MOST}"
            raise Failed(messages.INVALID_ARGUMENT, text)
        reply = await self._ask(
            Request(verb="suggest", trials=trials, count=wanted, **_problem(experiment))
        )
        found = reply.answer
        if found is None:
            return {}
        settings = [{"name": name, "value": value} for name, value in found.settings.items()]
        return {
            "parameter_assignments": [
                {
                    "assignments": [
                        {"name": name, "value": value} for name, value in each.assignments.items()
                    ],
                    "trial_name": each.name,
                    "labels": each.labels,
                }
                for each in found.suggestions
            ],
            "algorithm": {"algorithm_settings": settings} if settings else None,
        }

    async def check_stopping(self, caller: Caller, request: Message) -> Message:
        _admit(caller)
        stopping = get(request, "early_stopping", default={})
        await self._ask(_rules(wire.experiment_of({"spec": {"early_stopping": stopping}}), ()))
        return {}

    async def rules(self, caller: Caller, request: Message) -> Message:
        _admit(caller)
        experiment = wire.experiment_of(get(request, "experiment", default={}))
        trials = wire.trials_of(get(request, "trials", default=()), _question(experiment))
        metric = experiment["spec"]["objective"]["objectiveMetricName"]
        curves = await self._curves(caller, [each.name for each in trials], metric)
        told = [replace(each, reports=curves.get(each.name, ())) for each in trials]
        reply = await self._ask(_rules(experiment, told, otherwise=_STOPPING))
        return {"early_stopping_rules": [wire.rule(each) for each in reply.rules]}

    async def _ask(self, request: Request) -> Reply:
        reply = await self._searcher.ask(request)
        if reply.refused:
            raise Failed(messages.INVALID_ARGUMENT, reply.refused)
        if reply.failed:
            raise Failed(messages.UNAVAILABLE, reply.failed)
        return reply


def _admit(caller: Caller) -> None:
    if caller == NOBODY:
        text = "this connection is of no pod, and of no program of Sampan's owner (sampan env)"
        raise Failed(messages.PERMISSION_DENIED, text)


def _question(experiment: Manifest) -> Question:
    try:
        found = question.of(experiment["spec"])
    except Wrong as fault:
        raise Failed(messages.INVALID_ARGUMENT, str(fault)) from fault
    if found.earlier:
        text = "warm_start: send the trials of the earlier experiment along instead"
        raise Failed(messages.INVALID_ARGUMENT, text)
    return found


def _problem(experiment: Manifest) -> dict[str, Any]:
    algorithm = experiment["spec"].get("algorithm") or {}
    return {
        "algorithm": algorithm.get("algorithmName") or "",
        "problem": problems.problem(experiment, _question(experiment), {}),
    }


def _rules(experiment: Manifest, trials: Sequence[Trial], otherwise: str = "") -> Request:
    stopping = experiment["spec"].get("earlyStopping") or {}
    return Request(
        verb="rules",
        algorithm=stopping.get("algorithmName") or otherwise,
        problem=problems.problem(experiment, _question(experiment), {}),
        trials=tuple(trials),
        settings=problems.settings(stopping),
    )


def _log(number: int, given: Message) -> Log:
    name = get(given, "metric", "name")
    time = get(given, "time_stamp")
    _moment(time, f"metric_logs[{number}].time_stamp", needed=True)
    if not name or len(name) > LONGEST_NAME:
        text = f"metric_logs[{number}].metric.name must have 1 to {LONGEST_NAME} characters"
        raise Failed(messages.INVALID_ARGUMENT, text)
    return Log(time, name, get(given, "metric", "value"))


def _moment(text: str, what: str, *, needed: bool = False) -> int | None:
    if not text and not needed:
        return None
    try:
        return micros(text)
    except ValueError as error:
        text = f"Error parsing {what} {text[:64]}: {error}"
        raise Failed(messages.INVALID_ARGUMENT, text) from error
