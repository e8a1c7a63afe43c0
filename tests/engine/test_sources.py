"""Sources: asked once for all that is wanted, looked at again when they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sampan.engine.local import LocalCluster
from sampan.engine.loop import Engine
from sampan.engine.sources import Source
from sampan.kube import names
from sampan.kube.keys import Key
from sampan.kube.plan import Controller, Patch, Plan, Unanswered, View
from sampan.lib.clock import ManualClock
from sampan.testing.memory import START, MemoryApi


def see(view: View, key: Key) -> Any:
    manifest = view.get(key)
    if manifest is None or "answer" in manifest.get("data", {}):
        return None
    return key, view.consult("oracle", key.name)


def decide(seen: tuple[Key, Any]) -> Plan:
    key, answer = seen
    if answer is None:
        return Plan()
    text = answer.message if isinstance(answer, Unanswered) else answer
    return Plan(actions=(Patch(key, {"data": {"answer": text}}),))


def answers(source: Source | None, *asking: str) -> list[str]:
    return asyncio.run(_answers(source, *asking))


async def _answers(source: Source | None, *asking: str) -> list[str]:
    cluster = LocalCluster(MemoryApi(clock=ManualClock(START)))
    await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "u"}})
    for name in asking:
        about = {"name": name, "namespace": "u"}
        await cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about})
    controller = Controller(name="asker", of=names.CONFIG_MAP, see=see, decide=decide)
    sources = {"oracle": source} if source else {}
    clock = ManualClock(START)
    engine = Engine(cluster, (controller,), clock=clock, debug=True, sources=sources)
    await engine.start()
    await engine.idle()
    await engine.stop()
    found = cluster.list(names.CONFIG_MAP, "u")
    return [each.get("data", {}).get("answer") for each in found]


def test_all_that_is_asked_at_a_time_is_one_call() -> None:
    calls: list[Sequence[Any]] = []

    async def oracle(questions: Sequence[Any]) -> Sequence[Any]:
        calls.append(questions)
        return [f"{each}!" for each in questions]

    assert answers(oracle, "a", "b", "c") == ["a!", "b!", "c!"]
    assert sorted(each for call in calls for each in call) == ["a", "b", "c"]
    assert len(calls) < 3


def test_an_answer_that_takes_its_time_keeps_no_other_one_waiting() -> None:
    asked: list[Any] = []

    async def oracle(questions: Sequence[Any]) -> Sequence[Any]:
        asked.extend(questions)
        return [asyncio.ensure_future(each(question)) for question in questions]

    others = asyncio.Event()

    async def each(question: str) -> str:
        if question == "slow":
            await others.wait()
        elif question == "wrong":
            raise OSError("no disk")
        elif asked.count("last"):
            others.set()
        return f"{question}!"

    assert answers(oracle, "last", "slow", "wrong") == ["last!", "slow!", "OSError: no disk"]
    assert sorted(asked) == ["last", "slow", "wrong"]


def test_a_source_that_fails_is_an_answer() -> None:
    async def oracle(_: Sequence[Any]) -> Sequence[Any]:
        raise OSError("no disk")

    assert answers(oracle, "a") == ["OSError: no disk"]


def test_a_source_that_is_not_there_is_an_answer() -> None:
    assert answers(None, "a") == ["there are no oracle here"]


def test_silence_is_an_answer() -> None:
    async def oracle(_: Sequence[Any]) -> Sequence[Any]:
        return [None]

    assert answers(oracle, "a") == ["no answer"]
