from __future__ import annotations

import asyncio

from nodes.collector.makers import Shelf
from sampan.kube import katib
from sampan.kube.katib import Log
from sampan.nodes.collector import telling
from sampan.nodes.collector.telling import Teller


def log(metric: str, value: object) -> Log:
    return Log(katib.NEVER, metric, str(value))


def teller(shelf: Shelf) -> Teller:
    return Teller(shelf, ("team", "t-1"), "pod/", "loss")


def test_nothing_is_told_before_the_objective() -> None:
    shelf = Shelf()

    async def story() -> None:
        told = teller(shelf)
        told.add("0", [log("acc", 1)])
        await told.now()
        assert shelf.batches == []
        told.add("0", [log("loss", 2)])
        await told.now()
        assert shelf.values == [("acc", "1"), ("loss", "2")]

    asyncio.run(story())


def test_a_trial_without_its_objective_has_nothing_else() -> None:
    shelf = Shelf()

    async def story() -> None:
        told = teller(shelf)
        told.add("0", [log("acc", 1)])
        await told.end("", "it is not there")
        assert shelf.values == [("loss", katib.UNAVAILABLE)]
        assert shelf.why == "it is not there"

    asyncio.run(story())


def test_batches_are_bounded_and_only_the_last_one_is_final() -> None:
    shelf = Shelf()

    async def story() -> None:
        told = teller(shelf)
        told.add("0", [log("loss", at) for at in range(12_000)])
        told.add("1", [log("loss", -1)])
        await told.end("why", "")
        assert [len(batch.logs) for batch in shelf.batches] == [5_000, 5_000, 2_000, 1]
        assert [batch.final for batch in shelf.batches] == [False, False, False, True]
        assert shelf.why == "why"

    asyncio.run(story())


def test_of_too_many_values_those_that_matter_are_told() -> None:
    shelf = Shelf()

    async def story() -> None:
        told = teller(shelf)
        told.add("0", [log("loss", 5)] * telling.MOST)
        told.add("0", [log("loss", value) for value in (4, 9, 2, 3, "", 7)])
        await told.end("", "")
        assert shelf.values[telling.MOST :] == [("loss", "9"), ("loss", "2"), ("loss", "7")]

    asyncio.run(story())


def test_a_source_is_taken_back() -> None:
    shelf = Shelf()

    async def story() -> None:
        told = teller(shelf)
        told.add("0", [log("loss", 5)])
        await told.now()
        await told.forget()
        assert shelf.logs == {}

    asyncio.run(story())
