"""The node under pressure: pods that outgrow their limits, a disk that fills up."""

from __future__ import annotations

from typing import Any

from sampan.config import NodeSettings
from sampan.kube.keys import Key

FILL = "head -c 3000000 /dev/zero > {}/big; echo written; sleep 100"


def terminated(status: dict[str, Any]) -> bool:
    return status.get("phase") == "Failed"


async def until_written(place: Any) -> None:
    async def written() -> bool:
        return "written" in await place.logs()

    await place.running()
    await place.eventually(written)


async def evicted(place: Any) -> str:
    await until_written(place)
    await place.node.pressure.look()
    status = await place.until(terminated)
    assert status["reason"] == "Evicted"
    [target] = [c for c in status["conditions"] if c["type"] == "DisruptionTarget"]
    assert (target["status"], target["reason"]) == ("True", "TerminationByKubelet")
    await place.eventually(lambda: place.events("Evicted") == [status["message"]])
    return str(status["message"])


def test_a_volume_above_its_size(play: Any) -> None:
    async def story(place: Any) -> None:
        volume = {"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}
        container = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        await place.run(command=FILL.format("/v"), container=container, volumes=[volume])
        assert await evicted(place) == 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '

    play(story)


def test_files_and_logs_above_the_limit(play: Any) -> None:
    async def story(place: Any) -> None:
        container = {"resources": {"limits": {"ephemeral-storage": "2Mi"}}}
        await place.run(command=FILL.format("/tmp"), container=container)
        assert "exceeds the total limit of containers 2Mi" in await evicted(place)

    play(story)


def test_within_its_limits_a_pod_stays(play: Any) -> None:
    async def story(place: Any) -> None:
        container = {"resources": {"limits": {"ephemeral-storage": "20Mi"}}}
        await place.run(command=FILL.format("/tmp"), container=container)
        await until_written(place)
        await place.node.pressure.look()
        assert place.status()["phase"] == "Running"
        assert place.events("Evicted") == []

    play(story)


def test_a_disk_that_runs_low(play: Any) -> None:
    """First no more pods, then the greediest goes."""

    async def story(place: Any) -> None:
        await place.run(command=FILL.format("/tmp"))
        await place.run(name="small", command="sleep 100")
        await until_written(place)
        await place.running("small")
        await place.node.pressure.look()
        node = place.cluster.get(Key("Node", "", "node-1"))
        conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
        assert conditions == {
            "DiskPressure": "True", "MemoryPressure": "False", "PIDPressure": "False",
            "NetworkUnavailable": "False", "Ready": "True",
        }  # fmt: skip
        assert [t["key"] for t in node["spec"]["taints"]] == ["node.kubernetes.io/disk-pressure"]
        await place.node.pressure.look()
        status = await place.until(terminated)
        assert status["message"].startswith("The node was low on resource: ephemeral-storage. ")
        assert place.status("small")["phase"] == "Running"

    play(story, node=NodeSettings(disk_free="1Ei"))


def test_a_taint_of_an_earlier_start_goes(play: Any) -> None:
    async def story(place: Any) -> None:
        taint = {"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}
        kept = {"key": "mine", "effect": "NoSchedule"}
        key = Key("Node", "", "node-1")
        await place.cluster.patch(key, {"spec": {"taints": [taint, kept]}})
        await place.restart()
        await place.node.pressure.look()
        assert place.cluster.get(key)["spec"]["taints"] == [kept]

    play(story)
