"""Volumes as a container finds them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from sampan.kube.keys import Key


def mount(path: str = "/v", **more: Any) -> dict[str, Any]:
    return {"volumeMounts": [{"name": "v", "mountPath": path, **more}]}


def volume(**source: Any) -> list[dict[str, Any]]:
    return [{"name": "v", **source}]


def config_map(name: str = "cm", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "team"}, "data": data,
    }  # fmt: skip


async def show(site: Any, command: str, source: dict[str, Any], **how: Any) -> str:
    return str(await site.output(command, volumes=volume(**source), container=mount(**how)))


def test_config_maps_and_secrets_become_files(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.cluster.create(config_map(a="1", b="2"))
        secret = {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "team"},
            "data": {"key": base64.b64encode(b"\xff\x00").decode()},
        }  # fmt: skip
        await site.cluster.create(secret)
        sources = [
            {"configMap": {"name": "cm", "items": [{"key": "a", "path": "dir/x", "mode": 0o400}]}},
            {"secret": {"name": "s"}},
            {"downwardAPI": {"items": [
                {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
            {"serviceAccountToken": {"path": "token", "audience": "pipelines"}},
            {"configMap": {"name": "none", "optional": True}},
        ]  # fmt: skip
        said = await site.output(
            "cat /v/dir/x; stat -Lc %a /v/dir/x; od -An -tx1 /v/key; cat /v/labels; echo;"
            "cat /v/token; touch /v/x 2>/dev/null || echo ' read-only'",
            volumes=volume(projected={"sources": sources}), container=mount(),
            labels={"app": "x"},
        )  # fmt: skip
        assert said.split("\n") == [
            "1400", " ff 00", 'app="x"', "token of default for pipelines read-only", ""
        ]  # fmt: skip

    play(story)


def test_a_changed_config_map_reaches_a_running_pod(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.cluster.create(config_map(word="old"))
        await site.run(
            command="while ! grep -q new /v/word; do sleep 0.01; done",
            volumes=volume(configMap={"name": "cm"}), container=mount(),
        )  # fmt: skip
        await site.running()
        await site.cluster.patch(Key("ConfigMap", "team", "cm"), {"data": {"word": "new"}})
        assert (await site.finished())["phase"] == "Succeeded"

    play(story)


def test_a_pod_waits_for_its_config_map(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(command="cat /v/word", volumes=volume(configMap={"name": "cm"}),
                       container=mount())  # fmt: skip
        status = await site.until(lambda s: s.get("containerStatuses"))
        waiting = status["containerStatuses"][0]["state"]["waiting"]
        assert waiting["reason"] == "ContainerCreating"
        await site.node.context.events.flushed()
        assert site.events("FailedMount") == [
            'MountVolume.SetUp failed for volume "v" : configmap "cm" not found'
        ]
        await site.cluster.create(config_map(word="there"))
        assert (await site.finished())["phase"] == "Succeeded"

    play(story)


def test_a_claim_is_a_directory_that_stays(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        place = site.home / "volumes" / "pv"
        claim = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "c", "namespace": "team"}, "spec": {"volumeName": "pv"},
        }  # fmt: skip
        await site.cluster.create(claim)
        source = {"persistentVolumeClaim": {"claimName": "c"}}
        await site.run("p", command="echo kept > /gotest/out/file", volumes=volume(**source),
                       container=mount("/gotest/out/"))  # fmt: skip
        await site.until(lambda s: s.get("containerStatuses"))
        await site.cluster.create({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
            "spec": {"hostPath": {"path": str(place)},
                     "claimRef": {"namespace": "team", "name": "c"}},
        })  # fmt: skip
        await site.cluster.patch(
            Key("PersistentVolumeClaim", "team", "c"), {"status": {"phase": "Bound"}},
            subresource="status",
        )  # fmt: skip
        assert (await site.finished())["phase"] == "Succeeded"
        assert (place / "file").read_text() == "kept\n"
        assert place.stat().st_mode & 0o777 == 0o777
        said = await site.output("cat /v/file; touch /v/x || echo no", name="q", container=mount(),
                                 volumes=volume(persistentVolumeClaim={
                                     "claimName": "c", "readOnly": True}))  # fmt: skip
        assert said.startswith("kept\n")
        assert said.endswith("no\n")

    play(story)


def test_memory_with_a_limit(play: Any) -> None:
    async def story(site: Any) -> None:
        source = {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
        command = "head -c 3000000 /dev/zero > /v/x; stat -c %s /v/x"
        assert (await show(site, command, source)).endswith("1048576\n")

    play(story)


def test_memory_outlives_a_container(play: Any) -> None:
    async def story(site: Any) -> None:
        command = "echo run >> /v/x; test $(wc -l < /v/x) = 2"
        source = volume(emptyDir={"medium": "Memory"})
        await site.run(command=command, volumes=source, container=mount(),
                       restartPolicy="OnFailure")  # fmt: skip
        assert (await site.finished())["containerStatuses"][0]["restartCount"] == 1

    play(story)


def test_a_directory_is_shared_by_containers_and_gone_after_the_pod(play: Any) -> None:
    async def story(site: Any) -> None:
        other = {"name": "other", "image": "busybox", "command": ["sh", "-c", "echo hi > /o/f"],
                 "volumeMounts": [{"name": "v", "mountPath": "/o"}]}  # fmt: skip
        wait = "while ! test -s /v/f; do sleep 0.01; done; cat /v/f"
        main = {"name": "main", "image": "busybox", "command": ["sh", "-c", wait], **mount()}
        created = await site.run(volumes=volume(emptyDir={}), containers=[main, other])
        assert (await site.finished())["phase"] == "Succeeded"
        assert await site.logs() == "hi\n"
        directory = site.home / "node" / "pods" / created["metadata"]["uid"]
        await site.eventually(lambda: not (directory / "volumes").exists())
        assert (directory / "containers").exists()

    play(story)


def test_sub_paths(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.cluster.create(config_map(**{"app.conf": "x=1"}))
        mounts = [
            {"name": "v", "mountPath": "/etc/app.conf", "subPath": "app.conf"},
            {"name": "d", "mountPath": "/mine", "subPathExpr": "of/$(NAME)"},
            {"name": "d", "mountPath": "/all"},
        ]
        said = await site.output(
            "cat /etc/app.conf; touch /mine/f; ls /all/of",
            volumes=[*volume(configMap={"name": "cm"}), {"name": "d", "emptyDir": {}}],
            container={"volumeMounts": mounts, "env": [{"name": "NAME", "value": "me"}]},
        )
        assert said == "x=1me\n"

    play(story)


@pytest.mark.parametrize(
    ("source", "how", "message"),
    [
        pytest.param({"nfs": {"server": "x"}}, {}, "nfs is not supported by this node", id="nfs"),
        pytest.param(
            {"emptyDir": {}}, {"subPath": "../x"}, 'must be a relative path without ".."', id="dots"
        ),
        pytest.param(
            {"hostPath": {"path": "/"}}, {}, "would show files of Sampan itself", id="home"
        ),
        pytest.param(
            {"projected": {"sources": [{"clusterTrustBundle": {}}]}}, {},
            "projected source clusterTrustBundle is not supported", id="projected",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_mounted_is_named(
    play: Any, source: dict[str, Any], how: dict[str, Any], message: str
) -> None:
    async def story(site: Any) -> None:
        await site.run(volumes=volume(**source), container=mount(**how))
        status = await site.until(lambda s: s.get("containerStatuses"))
        waiting = status["containerStatuses"][0]["state"]["waiting"]
        assert waiting["reason"] == "CreateContainerConfigError"
        assert message in waiting["message"]

    play(story)


def test_a_link_that_leaves_the_volume_is_refused(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        place = tmp_path / "shared"
        place.mkdir()
        (place / "link").symlink_to("/etc")
        await site.run(volumes=volume(hostPath={"path": str(place)}),
                       container=mount(subPath="link"))  # fmt: skip
        status = await site.until(lambda s: s.get("containerStatuses"))
        waiting = status["containerStatuses"][0]["state"]["waiting"]
        assert "leads out of the volume by a symbolic link" in waiting["message"]

    play(story)


@pytest.mark.parametrize(
    ("kind", "made"),
    [("DirectoryOrCreate", True), ("FileOrCreate", True), ("Directory", False), ("File", False)],
)
def test_types_of_host_paths(play: Any, tmp_path: Path, kind: str, made: bool) -> None:
    async def story(site: Any) -> None:
        place = tmp_path / "made"
        source = {"hostPath": {"path": str(place), "type": kind}}
        await site.run(volumes=volume(**source), container=mount())
        if made:
            await site.finished()
        else:
            await site.until(lambda s: s.get("containerStatuses"))
        assert place.exists() == made

    play(story)
