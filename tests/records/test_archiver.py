"""Completed workflows are kept, whatever happens to them and to the database."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from records.makers import workflow
from sampan.engine.local import LocalCluster
from sampan.kube import names
from sampan.kube.keys import Key, key_of
from sampan.lib.clock import ManualClock
from sampan.records import archiver
from sampan.records.archive import Archive
from sampan.records.errors import ArchiveFailed
from sampan.records.selection import Selection
from sampan.testing.memory import MemoryApi

DONE = {names.LABEL_WORKFLOW_COMPLETED: "true"}
NOW = datetime(2026, 2, 1, tzinfo=UTC)


class Counting(Archive):
    """Tells when something was kept, and fails as often as it is told to."""

    failures = 0
    puts = 0

    def __init__(self, *args):
        super().__init__(*args)
        self.filled = asyncio.Event()

    async def put(self, workflows):
        if self.failures:
            self.failures -= 1
            raise ArchiveFailed("the archive is away")
        await super().put(workflows)
        self.puts += 1
        self.filled.set()


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a scenario with a cluster and an archive that is being filled."""
    monkeypatch.setattr(archiver, "GATHERING", 0)
    monkeypatch.setattr(archiver, "AGAIN", 0.01)

    async def start(scenario, ttl=None, failures=0, before=()):
        cluster = LocalCluster(MemoryApi())
        archive = Counting.at(tmp_path / "records" / "workflows.db")
        archive.failures = failures
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})
        for each in before:
            made = await cluster.create(each)
            await cluster.patch(key_of(made), {"status": each["status"]})
        one = archiver.Archiver(cluster, archive, ManualClock(NOW), ttl)
        await one.start()
        try:
            await asyncio.wait_for(scenario(cluster, archive), 10)
        finally:
            await one.stop()

    return lambda scenario, **how: asyncio.run(start(scenario, **how))


def made(number, **labels):
    found = workflow(number, labels=labels)
    del found["metadata"]["uid"]
    return found


async def kept(archive, count):
    """Wait until so many are kept; their names."""
    while len(uids := await archive.uids(Selection())) < count:
        await archive.filled.wait()
        archive.filled.clear()
    return [each["metadata"]["name"] for each in await archive.summaries(uids)]


async def labelled(cluster, name):
    changed = asyncio.Event()
    stop = cluster.subscribe(names.WORKFLOW, lambda _: changed.set())
    key = Key(names.WORKFLOW, "a", name)
    while cluster.get(key)["metadata"]["labels"].get(names.LABEL_ARCHIVING) != "Archived":
        changed.clear()
        await changed.wait()
    stop()


def test_what_completes_is_kept_and_labelled(run, tmp_path):
    async def scenario(cluster, archive):
        await cluster.create(made(1))
        assert not (tmp_path / "records").exists()
        await cluster.create(made(2, **DONE))
        assert await kept(archive, 1) == ["w2"]
        await labelled(cluster, "w2")

    run(scenario)


def test_what_completed_meanwhile_is_kept_at_the_next_start(run):
    async def scenario(cluster, archive):
        assert set(await kept(archive, 2)) == {"w1", "w2"}

    run(scenario, before=[made(1, **DONE), made(2, **DONE)])


def test_what_is_labelled_is_not_kept_again(run):
    async def scenario(cluster, archive):
        await cluster.create(made(2, **DONE))
        assert await kept(archive, 1) == ["w2"]
        assert archive.puts == 1

    run(scenario, before=[made(1, **DONE, **{names.LABEL_ARCHIVING: "Archived"})])


def test_what_is_deleted_at_once_is_kept(run):
    async def scenario(cluster, archive):
        await cluster.create(made(1, **DONE))
        await cluster.delete(Key(names.WORKFLOW, "a", "w1"))
        assert await kept(archive, 1) == ["w1"]

    run(scenario)


def test_a_database_that_fails_is_tried_again(run):
    async def scenario(cluster, archive):
        await cluster.create(made(1, **DONE))
        await cluster.delete(Key(names.WORKFLOW, "a", "w1"))
        assert await kept(archive, 1) == ["w1"]

    run(scenario, failures=3)


def test_many_are_kept_in_few_transactions(run):
    async def scenario(cluster, archive):
        assert len(await kept(archive, 27)) == 27
        assert archive.puts == 1

    run(scenario, before=[made(n, **DONE) for n in range(27)])


def test_a_workflow_that_is_retried_is_kept_again_when_it_has_completed(run):
    async def scenario(cluster, archive):
        key = Key(names.WORKFLOW, "a", "w1")
        await labelled(cluster, "w1")
        open_again = {names.LABEL_ARCHIVING: None, names.LABEL_WORKFLOW_COMPLETED: None}
        await cluster.patch(key, {"metadata": {"labels": open_again}})
        await cluster.patch(key, {"metadata": {"labels": DONE, "annotations": {"run": "second"}}})
        await labelled(cluster, "w1")
        found = await archive.get(namespace="a", name="w1")
        assert found["metadata"]["annotations"]["run"] == "second"

    run(scenario, before=[made(1, **DONE)])


def test_what_has_expired_goes(run):
    async def scenario(cluster, archive):
        assert await kept(archive, 2)
        count = await archive.expire(NOW - timedelta(days=20))
        assert count == 1

    run(scenario, before=[made(1, **DONE), made(20, **DONE)], ttl=timedelta(days=365))


def test_an_archive_that_was_never_filled_opens_nothing(tmp_path):
    async def scenario():
        archive = Archive.at(tmp_path / "records" / "workflows.db")
        assert await archive.uids(Selection()) == []
        assert await archive.get(uid="x") is None
        assert await archive.label_keys("") == []
        await archive.close()

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []
