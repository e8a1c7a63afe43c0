"""Cache: answers whether a task has run before, and else why it is not taken from the cache.

A hit is the newest success with the same fingerprint whose artifacts all exist still. Upstream
takes what lies there no more (kubeflow/pipelines#7939), and does not say why it takes nothing
(#9524).
Upstream: backend/src/v2/driver/cache.go, backend/src/v2/cacheutils.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from sampan.kube.errors import SampanError
from sampan.kube.lineage import CacheAnswer, CacheQuestion, Hit, Parts
from sampan.records.pipelines.lineage import OUTPUT, artifacts_of

Missing = Callable[[str, Sequence[str]], Awaitable[Mapping[str, str]]]
"""Namespace and URIs -> those where nothing lies, or where that cannot be known, and why."""
_NAMED = 3
"""Differences that are named; of more, the number."""
_AT_ONCE = 50
"""URIs that one thread looks for, one after the other."""


class Records(Protocol):
    async def executions(self, questions: Sequence[CacheQuestion]) -> Sequence[Any]: ...


class Recorder(Protocol):
    async def ended(self) -> None:
        """The runs that have ended are kept."""
        ...


class Cache:
    """A source for `View.consult`."""

    def __init__(self, records: Records, recorder: Recorder, missing: Missing) -> None:
        self._records = records
        self._recorder = recorder
        self._missing = missing

    async def __call__(self, questions: Sequence[CacheQuestion]) -> Sequence[CacheAnswer]:
        await self._recorder.ended()
        found = await self._records.executions(questions)
        pairs = list(zip(questions, found, strict=True))
        gone = await self._gone(pairs)
        return [self._answer(question, one, gone) for question, one in pairs]

    async def _gone(self, pairs: Sequence[tuple[CacheQuestion, Any]]) -> dict[tuple[str, str], str]:
        """(namespace, URI) of the candidates' artifacts that are not there, and why."""
        asked: dict[str, dict[str, None]] = {}
        for question, one in pairs:
            for candidate in one.candidates:
                uris = asked.setdefault(question.namespace, {})
                uris |= dict.fromkeys(uri for _, uri in _outputs(candidate))
        return {
            (namespace, uri): why
            for namespace, uris in asked.items()
            if uris
            for uri, why in (await self._missing(namespace, list(uris))).items()
        }

    def _answer(
        self, question: CacheQuestion, found: Any, gone: Mapping[tuple[str, str], str]
    ) -> CacheAnswer:
        first = ""
        for candidate in found.candidates:
            missing = [
                f"artifact {key} ({uri}) {gone[question.namespace, uri]}"
                for key, uri in _outputs(candidate)
                if (question.namespace, uri) in gone
            ]
            if not missing:
                hit = Hit(
                    run_id=candidate.run_id, task_id=candidate.task_id, outputs=candidate.outputs
                )
                return CacheAnswer(hit=hit)
            first = first or missing[0]
        return CacheAnswer(why=first or why(question.parts, found.last))


def missing_by(exists: Callable[[str, str], bool]) -> Missing:
    """By a function that blocks: namespace and URI -> whether something lies there. SampanError
    when it cannot know."""

    def look(namespace: str, uris: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for uri in uris:
            try:
                if not exists(namespace, uri):
                    found[uri] = "is gone"
            except SampanError as error:
                found[uri] = f"cannot be looked for: {error}"
        return found

    async def missing(namespace: str, uris: Sequence[str]) -> Mapping[str, str]:
        parts = (uris[first : first + _AT_ONCE] for first in range(0, len(uris), _AT_ONCE))
        looks = (asyncio.to_thread(look, namespace, part) for part in parts)
        return {uri: why for each in await asyncio.gather(*looks) for uri, why in each.items()}

    return missing


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
    return f"{called} differ" if called == name and name.endswith("s") else f"{called} differs"
