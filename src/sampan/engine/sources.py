"""Sources: what a controller may ask beyond the cluster, such as records of earlier runs.

    consult ──> not known: None ──> one call for all that is asked of the source ──> look again

An answer belongs to the job that asked and is kept as long as each of its looks asks again, so a
question that comes back in a later life of the object is a new one. A source that fails answers
too, with `Unanswered`: nobody waits for ever, and what to do then is the controller's decision. One
answer that takes its time (a Future in place of it) keeps no other one waiting, and whoever asks
the same meanwhile waits for it too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence, Set
from typing import Any

from sampan.engine.reads import Job
from sampan.kube.errors import SampanError
from sampan.kube.plan import Unanswered

log = logging.getLogger(__name__)

Source = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
"""Several questions at once, and an answer for each, or a Future of it, in their order; None is no
answer."""
Question = tuple[str, Hashable]


class Sources:
    """`tell` is called with a job when what it asked for is there."""

    def __init__(self, sources: Mapping[str, Source], tell: Callable[[Job], None]) -> None:
        self._sources = sources
        self._tell = tell
        self._answers: dict[Job, dict[Question, Any]] = {}
        self._asked: dict[str, dict[Hashable, set[Job]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._late: dict[Question, tuple[set[Job], asyncio.Task[None]]] = {}

    @property
    def busy(self) -> bool:
        return bool(self._tasks or self._late)

    def known(self, job: Job, question: Question) -> Any | None:
        """The answer, if it is there."""
        return self._answers.get(job, {}).get(question)

    def looked(self, job: Job, questions: Set[Question]) -> None:
        """A look is over: what it asked and is not known is asked, other answers are forgotten."""
        known = self._answers.get(job, {})
        kept = {each: known[each] for each in questions if each in known}
        if kept:
            self._answers[job] = kept
        elif known:
            del self._answers[job]
        for source, question in questions - kept.keys():
            if (source, question) in self._late:
                self._late[source, question][0].add(job)
                continue
            self._asked.setdefault(source, {}).setdefault(question, set()).add(job)
            if source not in self._tasks:
                self._tasks[source] = asyncio.create_task(self._answer(source))

    def forget(self, job: Job) -> None:
        self._answers.pop(job, None)

    async def stop(self) -> None:
        tasks = [*self._tasks.values(), *(task for _, task in self._late.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, source: str) -> None:
        try:
            while asked := self._asked.pop(source, None):
                questions = list(asked)
                answers = await self._of(source, questions)
                for question, answer in zip(questions, answers, strict=True):
                    if isinstance(answer, asyncio.Future):
                        task = asyncio.create_task(self._await((source, question), answer))
                        self._late[source, question] = asked[question], task
                    else:
                        self._told((source, question), answer, asked[question])
        finally:
            del self._tasks[source]

    async def _await(self, question: Question, late: asyncio.Future[Any]) -> None:
        try:
            answer = _said(await late)
        except Exception as error:
            answer = _failed(question[0], error)
        finally:
            jobs, _ = self._late.pop(question)
        self._told(question, answer, jobs)

    def _told(self, question: Question, answer: Any, jobs: Set[Job]) -> None:
        for job in jobs:
            self._answers.setdefault(job, {})[question] = answer
            self._tell(job)

    async def _of(self, source: str, questions: Sequence[Any]) -> Sequence[Any]:
        ask = self._sources.get(source)
        if ask is None:
            return [Unanswered(f"there are no {source} here")] * len(questions)
        try:
            answers = await ask(questions)
        except Exception as error:
            return [_failed(source, error)] * len(questions)
        return list(map(_said, answers))


def _said(answer: Any) -> Any:
    return Unanswered("no answer") if answer is None else answer


def _failed(source: str, error: Exception) -> Unanswered:
    log.warning("%s cannot answer: %s", source, error, exc_info=not isinstance(error, SampanError))
    return Unanswered(f"{type(error).__name__}: {error}")
