"""What becomes of runs is kept, whatever happens to them and to the database."""

import asyncio
import copy

import pytest

from records.pipelines.makers import artifact, at, gives, run, task
from sampan.engine.local import LocalCluster
from sampan.kube import meta, names
from sampan.kube.keys import Key, key_of
from sampan.records.errors import ArchiveFailed
from sampan.records.pipelines import recorder
from sampan.records.pipelines.retention import Retention
from sampan.records.pipelines.selection import Selection
from sampan.records.pipelines.store import Records
from sampan.testing.memory import MemoryApi


class Failing(Records):
    """Fails as often as it is told to."""

    failures = 0

    def __init__(self, *args):
        super().__init__(*args)
        self.filled = asyncio.Event()

    async def keep(self, batch):
        if self.failures:
            self.failures -= 1
            raise ArchiveFailed("the database is away")
        await super().keep(batch)
        self.filled.set()


class World:
    """A cluster, the records and their recorder; `restart` makes the latter anew."""

    def __init__(self, home, limit=100):
        self.home = home
        self.limit = limit
        self.cluster = LocalCluster(MemoryApi())

    async def start(self):
        self.records = Failing.at(self.home / "records" / "pipelines.db")
        retention = Retention(self.cluster, self.limit)
        self.recorder = recorder.Recorder(self.cluster, self.records, retention)
        await self.recorder.start()

    async def restart(self, meanwhile=None):
        await self.recorder.stop()
        if meanwhile is not None:
            await meanwhile
        await self.start()

    async def create(self, manifest):
        manifest = copy.deepcopy(manifest)
        for name in ("uid", "resourceVersion"):
            del manifest["metadata"][name]
        made = await self.cluster.create(manifest)
        status = {"status": manifest["status"]}
        return await self.cluster.patch(key_of(made), status, subresource="status")

    async def change(self, name, **status):
        await self.cluster.patch(
            Key(names.RUN, "a", name), {"status": status}, subresource="status"
        )

    async def delete(self, name):
        await self.cluster.delete(Key(names.RUN, "a", name))

    async def listed(self):
        await self.recorder.settled()
        found = (await self.records.runs(Selection())).items
        return {each["metadata"]["name"]: each["status"]["state"] for each in found}


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Run a scenario in a world."""
    monkeypatch.setattr(recorder, "GATHERING", 0.01)
    monkeypatch.setattr(recorder, "AGAIN", 0.01)

    async def start(scenario, **how):
        world = World(tmp_path, **how)
        for name in "ab":
            await world.cluster.create(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            )
        await world.start()
        try:
            await asyncio.wait_for(scenario(world), 20)
        finally:
            await world.recorder.stop()

    return lambda scenario, **how: asyncio.run(start(scenario, **how))


def test_a_run_is_kept_from_its_beginning_to_its_end(play):
    async def scenario(world):
        made = await world.create(run(1, state="RUNNING"))
        await world.recorder.keep(made)
        assert await world.listed() == {"run-1": "RUNNING"}
        tasks = {"": task("root", type="Dag"), "t": task("t", **gives(m=artifact("m")))}
        await world.change("run-1", state="SUCCEEDED", finishedAt=at(9), tasks=tasks)
        assert await world.listed() == {"run-1": "SUCCEEDED"}
        kept = await world.records.run("id-1")
        assert kept.present
        assert kept.run["status"]["tasks"] == tasks
        assert kept.run["spec"]["pipelineSpec"]["pipelineInfo"]["name"] == "digits"

    play(scenario)


def test_nothing_is_opened_before_there_is_a_run(play, tmp_path):
    async def scenario(world):
        assert (await world.records.runs(Selection())).total == 0
        assert await world.records.run("x") is None
        await world.recorder.settled()
        assert not (tmp_path / "records").exists()

    play(scenario)


def test_what_is_kept_is_not_kept_again_at_the_next_start(play):
    async def scenario(world):
        await world.create(run(1))
        assert await world.listed() == {"run-1": "SUCCEEDED"}
        number = (await world.records.runs(Selection(page_size=1))).after
        await world.restart()
        assert not world.records.is_open
        assert await world.listed() == {"run-1": "SUCCEEDED"}
        assert (await world.records.runs(Selection(page_size=1))).after == number

    play(scenario)


def test_what_happened_meanwhile_is_seen_at_the_next_start(play):
    async def scenario(world):
        for number, state in ((1, "SUCCEEDED"), (2, "RUNNING"), (3, "RUNNING")):
            await world.create(run(number, state=state))
        await world.listed()

        async def meanwhile():
            await world.delete("run-1")
            await world.delete("run-2")
            await world.change("run-3", state="FAILED", finishedAt=at(9))

        await world.restart(meanwhile())
        states = {"run-1": "SUCCEEDED", "run-2": "FAILED", "run-3": "FAILED"}
        assert await world.listed() == states
        gone = await world.records.run("id-2")
        assert not gone.present
        assert "deleted before it ended" in gone.run["status"]["error"]["message"]

    play(scenario)


def test_what_is_deleted_by_others_stays(play):
    async def scenario(world):
        await world.create(run(1))
        await world.delete("run-1")
        assert await world.listed() == {"run-1": "SUCCEEDED"}
        assert not (await world.records.run("id-1")).present

    play(scenario)


def test_what_is_forgotten_does_not_come_back(play):
    async def scenario(world):
        first, second = [meta.uid_of(await world.create(run(number))) for number in (1, 2)]
        await world.delete("run-1")
        assert await world.recorder.forget(first)
        assert await world.listed() == {"run-2": "SUCCEEDED"}
        assert not await world.recorder.forget(first)
        assert await world.recorder.forget(second)  # its deletion takes its time
        await world.change("run-2", state="FAILED")
        await world.delete("run-2")
        assert await world.listed() == {}
        await world.create(run(2))
        assert await world.listed() == {"run-2": "SUCCEEDED"}

    play(scenario)


def test_a_database_that_fails_is_tried_again(play):
    async def scenario(world):
        world.records.failures = 3
        await world.create(run(1))
        await world.delete("run-1")
        await world.records.filled.wait()
        assert await world.listed() == {"run-1": "SUCCEEDED"}

    play(scenario)


def test_a_run_is_created_though_the_database_is_away(play):
    async def scenario(world):
        world.records.failures = 2
        await world.recorder.keep(await world.create(run(1)))
        await world.records.filled.wait()
        assert await world.listed() == {"run-1": "SUCCEEDED"}

    play(scenario)


def test_one_that_cannot_be_kept_keeps_no_other_up(play, caplog):
    async def scenario(world):
        broken = run(2)
        broken["status"]["tasks"] = {"t": ["no", "task"]}
        await world.create(broken)
        await world.create(run(1))
        assert await world.listed() == {"run-1": "SUCCEEDED"}

    play(scenario)
    assert "run-2 cannot be kept" in caplog.text


def test_a_label_reaches_no_other_run(play):
    async def scenario(world):
        await world.create(run(1))
        await world.create(run(2, namespace="b", labels={"pipeline/runid": "id-1"}))
        assert await world.listed() == {"run-1": "SUCCEEDED", "run-2": "SUCCEEDED"}
        assert (await world.records.run("id-1")).run["metadata"]["name"] == "run-1"
        await world.delete("run-1")
        await world.create(run(3, namespace="b", labels={"pipeline/runid": "id-1"}))
        assert len(await world.listed()) == 3
        assert (await world.records.run("id-1")).run["metadata"]["name"] == "run-1"

    play(scenario)


def test_tasks_with_ids_of_others_reach_no_other_run(play, caplog):
    async def scenario(world):
        tasks = {"": task("root", type="Dag"), "t": task("t"), "u": task("t")}
        await world.create(run(1, tasks={path: tasks[path] for path in ("", "t")}))
        await world.listed()
        first = await world.records.task("task-1-t")
        await world.create(run(2, namespace="b", tasks=tasks))  # two of its own are one, too
        await world.change("run-1", tasks={"t": task("t", state="FAILED")})
        assert len(await world.listed()) == 2
        assert (await world.records.task("task-1-t"))["run_id"] == first["run_id"] == "id-1"
        kept = (await world.records.run("id-2")).run["status"]["tasks"]
        assert kept.keys() == tasks.keys()

    play(scenario)
    assert not caplog.text


def test_a_run_that_is_gone_is_revived_in_its_place(play):
    async def scenario(world):
        tasks = {"": task("root", type="Dag", state="FAILED"), "t": task("t")}
        await world.create(run(1, state="FAILED", tasks=tasks, retries=1))
        assert await world.records.revived("id-1") is None  # the cluster has it
        await world.delete("run-1")
        await world.recorder.settled()
        again = await world.records.revived("id-1")
        assert again["spec"]["retries"] == 2
        assert again["status"]["tasks"] == tasks
        assert names.ANNOTATION_RESTORING in again["metadata"]["annotations"]
        made = await world.cluster.create(again)
        status = {"status": again["status"] | {"state": "RUNNING"}}
        await world.cluster.patch(key_of(made), status, subresource="status")
        assert await world.listed() == {"run-1": "RUNNING"}
        assert (await world.records.run("id-1")).present

    play(scenario)


def test_the_newest_stay_in_the_cluster_and_all_in_the_records(play):
    async def scenario(world):
        await world.create(run(0, state="RUNNING"))
        await world.create(run(50, namespace="b"))
        for number in range(1, 8):
            await world.create(run(number))
        assert len(await world.listed()) == 9
        left = [each["metadata"]["name"] for each in world.cluster.list(names.RUN)]
        assert left == ["run-0", "run-5", "run-6", "run-7", "run-50"]
        await world.restart()
        await world.create(run(8))
        assert len(await world.listed()) == 10
        left = [each["metadata"]["name"] for each in world.cluster.list(names.RUN, "a")]
        assert left == ["run-0", "run-6", "run-7", "run-8"]
        assert (await world.records.run("id-1")).run["status"]["state"] == "SUCCEEDED"

    play(scenario, limit=3)


def test_a_run_that_is_retried_is_not_deleted(play):
    async def scenario(world):
        for number in range(1, 4):
            await world.create(run(number, state="FAILED"))
        await world.listed()
        await world.cluster.patch(
            Key(names.RUN, "a", "run-1"),
            {"status": {"state": "RUNNING", "finishedAt": None}},
            subresource="status",
        )
        await world.create(run(4))
        await world.listed()
        left = [each["metadata"]["name"] for each in world.cluster.list(names.RUN)]
        assert left == ["run-1", "run-2", "run-3", "run-4"]
        await world.change("run-1", state="SUCCEEDED", finishedAt=at(7200))
        await world.listed()
        left = [each["metadata"]["name"] for each in world.cluster.list(names.RUN)]
        assert left == ["run-1", "run-3", "run-4"]

    play(scenario, limit=3)


def test_a_workflow_that_is_a_run_is_kept(play):
    async def scenario(world):
        workflow = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {
                "name": "w", "namespace": "a", "labels": {names.LABEL_RUN_ID: "old"},
                "annotations": {names.ANNOTATION_RUN_NAME: "An old run"},
            },
            "spec": {"templates": [{"name": "main"}], "entrypoint": "main"},
        }  # fmt: skip
        made = await world.cluster.create(workflow)
        other = {**workflow, "metadata": {"name": "v", "namespace": "a"}}
        await world.cluster.create(other)
        nodes = {"phase": "Error", "nodes": {"n": {"id": "n"}}, "finishedAt": at(5)}
        await world.cluster.patch(key_of(made), {"status": nodes}, subresource="status")
        await world.recorder.settled()
        page = await world.records.runs(Selection())
        assert page.total == 1
        assert page.items[0]["spec"] == workflow["spec"]
        assert "nodes" not in page.items[0]["status"]
        kept = await world.records.run("old")
        assert kept.run["status"] == nodes

    play(scenario)
