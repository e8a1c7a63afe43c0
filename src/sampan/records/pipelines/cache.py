"""Cache: answers whether a task has run before, and else why it is not taken from the cache.

A hit is the newest success with the same fingerprint whose artifacts all exist still. Upstream
takes what lies there no more (kubeflow/pipelines#7939), and does not say why it takes nothing
(#9524).
Upstream: backend/src/v2/driver/cache.go, backend/src/v2/cacheutils.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from sampan.kube.lineage import CacheAnswer, CacheQuestion, Hit, Parts
from sampan.records.pipelines.lineage import OUTPUT, artifacts_of

Exists = Callable[[str, Sequence[str]], Awaitable[Sequence[bool]]]
"""Namespace and URIs -> whether something lies there, in their order."""
_NAMED = 3
"""Differences that are named; of more, the number."""


class Records(Protocol):
    async def executions(self, questions: Sequence[CacheQuestion]) -> Sequence[Any]: ...


class Recorder(Protocol):
    async def ended(self) -> None:
        """The runs that have ended are kept."""
        ...


class Cache:
    """A source for `View.consult`."""

    def __init__(self, records: Records, recorder: Recorder, exists: Exists) -> None:
        self._records = records
        self._recorder = recorder
        self._exists = exists

    async def __call__(self, questions: Sequence[CacheQuestion]) -> Sequence[CacheAnswer]:
        await self._recorder.ended()
        found = await self._records.executions(questions)
        pairs = list(zip(questions, found, strict=True))
        there = await self._there(pairs)
        return [self._answer(question, one, there) for question, one in pairs]

    async def _there(self, pairs: Sequence[tuple[CacheQuestion, Any]]) -> set[tuple[str, str]]:
        """(namespace, URI) of the candidates' artifacts that exist."""
        asked: dict[str, dict[str, None]] = {}
        for question, one in pairs:
            for candidate in one.candidates:
                uris = asked.setdefault(question.namespace, {})
                uris |= dict.fromkeys(uri for _, uri in _outputs(candidate))
        there: set[tuple[str, str]] = set()
        for namespace, uris in asked.items():
            answers = await self._exists(namespace, list(uris))
            there |= {
                (namespace, uri) for uri, is_there in zip(uris, answers, strict=True) if is_there
            }
        return there

    def _answer(
        self, question: CacheQuestion, found: Any, there: set[tuple[str, str]]
    ) -> CacheAnswer:
        gone = ""
        for candidate in found.candidates:
            missing = [
                f"artifact {key} ({uri}) is gone"
                for key, uri in _outputs(candidate)
                if (question.namespace, uri) not in there
            ]
            if not missing:
                hit = Hit(
                    run_id=candidate.run_id, task_id=candidate.task_id, outputs=candidate.outputs
                )
                return CacheAnswer(hit=hit)
            gone = gone or missing[0]
        return CacheAnswer(why=gone or why(question.parts, found.last))


def _outputs(candidate: Any) -> list[tuple[str, str]]:
    """Keys and URIs of what came out. One without content (metrics) has nothing to exist: the
    launcher gives such no digest."""
    return [
        (key, str(artifact.get("uri") or ""))
        for direction, key, _, artifact in artifacts_of({"outputs": candidate.outputs})
        if direction == OUTPUT and artifact.get("uri") and artifact.get("digest")
    ]


def why(now: Parts, last: Parts | None) -> str:
    """Why two executions of a task are not the same for the cache, in words."""
    if last is None:
        return "no earlier run of this task"
    before, after = dict(last), dict(now)
    if not before:
        return "the last run of this task was not for the cache"
    names = [name for name in {**after, **before} if before.get(name) != after.get(name)]
    said = [_said(name, name in before, name in after) for name in sorted(names)]
    if not said:
        return "no earlier success of this task with the same inputs"
    more = f", and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
    return ", ".join(said[:_NAMED]) + more


def _said(name: str, was: bool, now: bool) -> str:
    kind, _, key = name.partition(" ")
    called = {"parameters": f"parameter {key}", "artifacts": f"artifact {key}"}.get(kind, name)
    if not was:
        return f"{called} is new"
    if not now:
        return f"{called} is not given any more"
    if kind == "artifacts":
        return f"the {called} was made anew with other content"
    return f"{called} differs" if not called.endswith("s") else f"{called} differ"
