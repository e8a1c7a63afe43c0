"""Answers the controller of Suggestions: reads what was tried so far, and asks who searches.

An answer rests on the Experiment and its Trials as they are when it is made; the controller keeps
it in the Suggestion before any trial begins, so that nobody is asked for the same trial twice.
Names of trials are functions of the experiment and their place.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sampan.engine.cluster import Cluster
from sampan.kinds.katib.extensions import question as questions
from sampan.kinds.katib.extensions.question import Question
from sampan.kinds.katib.extensions.texts import Wrong
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Unanswered
from sampan.kube.searching import (
    Assignment,
    Earlier,
    Rule,
    SuggestAnswer,
    Suggested,
    SuggestQuestion,
)
from sampan.kube.selectors import parse_labels
from sampan.lib.search import outcomes
from sampan.lib.search.problem import Answer, Problem, Refused, Trial
from sampan.lib.search.process import Reply, Request
from sampan.records.katib.store import Store
from sampan.services.katib import earlier, problems, wire
from sampan.services.katib.searcher import Searcher

if TYPE_CHECKING:
    from sampan.services.katib.foreign import Foreign

Reports = tuple[tuple[float, float], ...]
_SUFFIX = 8  # characters
_SEARCHES = 8
"""Of so many experiments, those that were asked for last, trials are not read anew."""
_REMEMBERED = 10_000
"""Trials whose reports are."""


class _Tried(Struct, frozen=True):
    """A suggestion, with version and uid of the trial that it became; "" while it is none."""

    version: int | str
    uid: str
    trial: Trial


class Suggesting:
    """A source of controllers (`engine.sources`)."""

    def __init__(
        self,
        cluster: Cluster,
        searcher: Searcher,
        observations: Store,
        foreign: Callable[[], Foreign],
    ) -> None:
        """`foreign` makes who asks services of the operator's own."""
        self._cluster = cluster
        self._searcher = searcher
        self._make_foreign = foreign
        self._foreign: Foreign | None = None
        self._known: dict[str, dict[str, _Tried]] = {}  # by the experiment's uid and the name
        self._reported: dict[str, Reports] = {}  # of trials that are over, by uid
        self._observations = observations

    async def __call__(self, questions: Sequence[SuggestQuestion]) -> Sequence[Any]:
        """Each by itself: some algorithms take a minute, and what fails is one question's."""
        return [asyncio.ensure_future(self._answer(each)) for each in questions]

    async def stop(self) -> None:
        if self._foreign is not None:
            await self._foreign.stop()

    async def _answer(self, asked: SuggestQuestion) -> SuggestAnswer | Unanswered:
        where = asked.namespace, asked.name
        experiment = self._cluster.get(Key(names.KATIB_EXPERIMENT, *where))
        suggestion = self._cluster.get(Key(names.SUGGESTION, *where))
        if experiment is None or suggestion is None or meta.uid_of(suggestion) != asked.uid:
            return Unanswered("the experiment is gone")
        return await self._search(asked, experiment, suggestion.get("status") or {})

    async def _search(
        self, asked: SuggestQuestion, experiment: Manifest, status: Mapping[str, Any]
    ) -> SuggestAnswer | Unanswered:
        spec = experiment["spec"]
        told = problems.settings({"algorithmSettings": status.get("algorithmSettings")})
        try:
            question = questions.of(spec, ours=not asked.endpoint)
            problem = problems.problem(experiment, question, told)
            known = self._earlier(asked.namespace, question, problem, status)
            before = earlier.read(known.trials, question) if known else ()
        except (Wrong, Refused) as fault:
            return SuggestAnswer(refused=str(fault))
        except ValueError as fault:
            return Unanswered(f"status.warmStart: {fault}")
        request = Request(
            verb="suggest" if asked.want else "check",
            algorithm=(spec.get("algorithm") or {}).get("algorithmName") or "",
            problem=problem,
            trials=(*before, *await self._trials(experiment, question, status)),
            count=asked.want - asked.have,
        )
        answer = await self._ask(asked, request, experiment, status)
        if known is None or isinstance(answer, Unanswered):
            return answer
        ended = None if answer.ended is None else answer.ended - len(before)
        return replace(answer, earlier=known, ended=ended)

    def _earlier(
        self, namespace: str, question: Question, problem: Problem, status: Mapping[str, Any]
    ) -> Earlier | None:
        if not question.earlier:
            return None
        if "warmStart" in status:
            return msgspec.convert(status["warmStart"], Earlier)
        return earlier.find(self._cluster, namespace, question, problem)

    async def _ask(
        self,
        asked: SuggestQuestion,
        request: Request,
        experiment: Manifest,
        status: Mapping[str, Any],
    ) -> SuggestAnswer | Unanswered:
        spec = experiment["spec"]
        taken = {str(each.get("name")) for each in status.get("suggestions") or ()}
        if asked.endpoint:
            told = problems.settings({"algorithmSettings": status.get("algorithmSettings")})
            reply = await self._ask_foreign(asked, experiment, told)
        else:
            reply = await self._searcher.ask(request)
        stopping = spec.get("earlyStopping") or {}
        if not _sound(reply) or not stopping.get("algorithmName"):
            return _told(asked, request, reply, taken)
        rules = await self._searcher.ask(
            Request(
                verb="rules",
                algorithm=stopping["algorithmName"],
                problem=request.problem,
                trials=request.trials,
                settings=problems.settings(stopping),
            )
        )
        return _told(asked, request, reply if _sound(rules) else rules, taken, rules.rules)

    async def _ask_foreign(
        self, asked: SuggestQuestion, experiment: Manifest, told: Mapping[str, str]
    ) -> Reply:
        """Trials in the order of their creation, as far as it is known."""
        if self._foreign is None:
            self._foreign = self._make_foreign()
        ours = parse_labels(f"{names.LABEL_KATIB_EXPERIMENT}={asked.name}")
        made = self._cluster.list(names.TRIAL, asked.namespace, ours)
        ordered = sorted(made, key=lambda each: str(each["metadata"].get("creationTimestamp")))
        return await self._foreign.ask(
            asked, wire.experiment(experiment, told), wire.trials(ordered)
        )

    async def _trials(
        self, experiment: Manifest, question: Question, status: Mapping[str, Any]
    ) -> tuple[Trial, ...]:
        """With what they reported on the way, where others may be stopped by it."""
        known = self._tried(experiment, question, status)
        found, spec = tuple(each.trial for each in known), experiment["spec"]
        if not spec.get("earlyStopping"):
            return found
        if len(self._reported) > _REMEMBERED:
            self._reported.clear()
        uids = {each.trial.name: each.uid for each in known if each.uid}
        metric = (spec.get("objective") or {}).get("objectiveMetricName")
        return await self._with_reports(found, uids, str(metric))

    def _tried(
        self, experiment: Manifest, question: Question, status: Mapping[str, Any]
    ) -> list[_Tried]:
        """What was suggested, in that order. A trial that was not written since is not read again:
        there may be a thousand."""
        uid, namespace = meta.uid_of(experiment), meta.namespace_of(experiment)
        versions = {
            key.name: version
            for key, version in self._cluster.versions(uid, names.TRIAL, namespace)
        }
        before, now = self._known.pop(uid, {}), dict[str, _Tried]()
        for each in status.get("suggestions") or ():
            name = str(each.get("name"))
            version, found = versions.get(name, ""), before.get(name)
            if found is None or found.version != version:
                made = self._cluster.get(Key(names.TRIAL, namespace, name)) if version else None
                trial = problems.trial(each, made, question)
                found = _Tried(version, meta.uid_of(made) if made else "", trial)
            now[name] = found
        self._known[uid] = now
        while len(self._known) > _SEARCHES:
            del self._known[next(iter(self._known))]
        return list(now.values())

    async def _with_reports(
        self, trials: Sequence[Trial], uids: Mapping[str, str], metric: str
    ) -> tuple[Trial, ...]:
        """`uids` of those trials that there are, by name."""
        wanted = {uids[each.name] for each in trials if each.name in uids} - self._reported.keys()
        series = await self._observations.series(sorted(wanted), metric)
        found = {uid: problems.reports(series.get(uid, ())) for uid in wanted}
        for each in trials:
            if each.name in uids and each.state not in ("created", "running"):
                uid = uids[each.name]
                self._reported.setdefault(uid, found.get(uid, ()))
        found |= self._reported
        return tuple(
            replace(each, reports=found.get(uids.get(each.name, ""), ())) for each in trials
        )


def _sound(reply: Reply) -> bool:
    return not reply.refused and not reply.failed


def _told(
    asked: SuggestQuestion,
    request: Request,
    reply: Reply,
    taken: Collection[str],
    rules: Sequence[Any] = (),
) -> SuggestAnswer | Unanswered:
    if reply.failed:
        return Unanswered(reply.failed)
    if reply.refused or reply.answer is None:
        return SuggestAnswer(refused=reply.refused)
    stops = tuple(Rule(name=each.name, value=each.value, comparison=each.comparison,
                       startStep=each.start_step) for each in rules)  # fmt: skip
    free = _names(asked, taken)
    return SuggestAnswer(
        suggestions=tuple(
            Suggested(
                name=each.name or next(free),
                parameterAssignments=tuple(
                    Assignment(name=name, value=value) for name, value in each.assignments.items()
                ),
                earlyStoppingRules=stops,
                labels=problems.told(each.labels),
            )
            for each in reply.answer.suggestions
        ),
        settings=reply.answer.settings,
        over=reply.answer.over,
        ended=None if asked.endpoint else _ended(request, reply.answer),
    )


def _ended(request: Request, answer: Answer) -> int | None:
    """Of the trials, if another one has to end before there is more."""
    if answer.over or len(answer.suggestions) >= request.count:
        return None
    return len(request.trials) - len(outcomes.pending(request.trials))


def _names(asked: SuggestQuestion, taken: Collection[str]) -> Iterator[str]:
    """Of trials from the next place on, without those that stand at earlier ones: suggestions may
    have been taken back from among them."""
    places = (trial_name(asked.name, asked.uid, place) for place in count(asked.have))
    return (name for name in places if name not in taken)


def trial_name(experiment: str, uid: str, place: int) -> str:
    """Of the trial that was suggested as number `place`, counted from 0."""
    digest = hashlib.sha256(f"{uid} {place}".encode()).hexdigest()
    return f"{experiment}-{digest[:_SUFFIX]}"
