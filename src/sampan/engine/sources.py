"""Sources: what a controller may ask beyond the cluster, such as records of earlier runs.

    consult ──> not known: None ──> one call for all that is asked of the source ──> look again

An answer belongs to the job that asked and is kept as long as each of its looks asks again, so a
question that comes back in a later life of the object is a new one. A source that fails answers
too, with `Unanswered`: nobody waits for ever, and what to do then is the controller's decision.
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
"""Several questions at once, and an answer for each, in their order; None is no answer."""
Question = tuple[str, Hashable]


class Sources:
    """`tell` is called with a job when what it asked for is there."""

    def __init__(self, sources: Mapping[str, Source], tell: Callable[[Job], None]) -> None:
        self._sources = sources
        self._tell = tell
        self._answers: dict[Job, dict[Question, Any]] = {}
        self._asked: dict[str, dict[Hashable, set[Job]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

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
            self._asked.setdefault(source, {}).setdefault(question, set()).add(job)
            if source not in self._tasks:
                self._tasks[source] = asyncio.create_task(self._answer(source))

    def forget(self, job: Job) -> None:
        self._answers.pop(job, None)

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, source: str) -> None:
        try:
            while asked := self._asked.pop(source, None):
                questions = list(asked)
                answers = await self._of(source, questions)
                for question, answer in zip(questions, answers, strict=True):
                    for job in asked[question]:
                        self._answers.setdefault(job, {})[source, question] = answer
                        self._tell(job)
        finally:
            del self._tasks[source]

    async def _of(self, source: str, questions: Sequence[Any]) -> Sequence[Any]:
        ask = self._sources.get(source)
        if ask is None:
            return [Unanswered(f"there are no {source} here")] * len(questions)
        try:
            answers = await ask(questions)
        except Exception as error:
            log.warning(
                "%s cannot answer: %s",
                source, error, exc_info=not isinstance(error, SampanError),
            )  # fmt: skip
            return [Unanswered(f"{type(error).__name__}: {error}")] * len(questions)
        return [Unanswered("no answer") if each is None else each for each in answers]
