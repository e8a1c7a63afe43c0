"""Artifacts in and out of real containers, through the repository of the home."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from nodes.executor.makers import carried, ended, result_of
from sampan.kube import argoexec
from sampan.nodes.executor import gather
from sampan.nodes.executor.view import Place, View

LEVELS = pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces"])
ARCHIVE = {
    "archiveLocation": {
        "s3": {"endpoint": "artifacts.sampan", "bucket": "b", "insecure": True, "key": "wf/p"}
    }
}


def taking(*artifacts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A template with output artifacts."""
    return {**ARCHIVE, "outputs": {"artifacts": list(artifacts)}, **more}


def giving(*artifacts: dict[str, Any], command: str, **more: Any) -> dict[str, Any]:
    """A pod whose main container finds input artifacts."""
    template = {**ARCHIVE, "inputs": {"artifacts": list(artifacts)}, **more.pop("template", {})}
    inputs = {"name": argoexec.VOLUME_INPUTS, "mountPath": argoexec.INPUTS}
    mounts = [
        {"name": argoexec.VOLUME_INPUTS, "mountPath": each["path"], "subPath": each["name"]}
        for each in artifacts
    ]
    volumes = [{"name": argoexec.VOLUME_INPUTS, "emptyDir": {}}]
    return carried(
        template, command, main={"volumeMounts": mounts}, init_mounts=[inputs], volumes=volumes,
        **more,
    )  # fmt: skip


def saved(site: Any) -> dict[str, Any]:
    listed = (result_of(site).get("outputs") or {}).get("artifacts") or ()
    return {each["name"]: each["s3"]["key"] for each in listed}


@LEVELS
def test_what_one_saves_another_finds(play: Any, sandbox: str) -> None:
    async def story(site: Any) -> None:
        template = taking(
            {"name": "file", "path": "/out.txt"},
            {"name": "tree", "path": "/tmp/tree"},
            {"name": "plain", "path": "/etc/new/plain.txt", "archive": {"none": {}}},
        )
        command = """
            echo file > /out.txt; mkdir -p /tmp/tree/a /etc/new
            echo tree > /tmp/tree/a/b; ln -s /etc/shadow /tmp/tree/l
            echo plain > /etc/new/plain.txt
        """
        await site.run(**carried(template, command))
        status = await site.finished()
        assert status["phase"] == "Succeeded", (status, await site.logs(container="wait"))
        keys = {"file": "wf/p/file.tgz", "tree": "wf/p/tree.tgz", "plain": "wf/p/plain.txt"}
        assert saved(site) == keys
        inputs = [
            {"name": "file", "path": "/in/file", "s3": {"key": keys["file"]}, "mode": 0o640},
            {"name": "tree", "path": "/data", "s3": {"key": keys["tree"]}},
            {"name": "text", "path": "/text", "raw": {"data": "given"}},
        ]
        said = await site.output("", "q", **_second(inputs))
        assert said.split() == ["file", "640", "tree", "/etc/shadow", "given"]

    def _second(inputs: list[dict[str, Any]]) -> dict[str, Any]:
        read = "cat /in/file; stat -c %a /in/file; cat /data/a/b; readlink /data/l; cat /text"
        return giving(*inputs, command=read)

    play(story, sandbox=sandbox)


def test_optional_ones_need_not_be_there(play: Any) -> None:
    async def story(site: Any) -> None:
        artifact = {"name": "a", "path": "/nope", "optional": True}
        await site.run(**carried(taking(artifact), "true"))
        assert (await site.finished())["phase"] == "Succeeded"
        assert saved(site) == {}

    play(story)


def test_a_missing_one_is_an_error_of_wait(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run(**carried(taking({"name": "a", "path": "/nope"}), "true"))
        status = await site.finished()
        said = "open /var/run/argo/outputs/artifacts/nope.tgz: no such file or directory; "
        assert (ended(status, "wait")["exitCode"], ended(status, "wait")["message"]) == (64, said)

    play(story)


@pytest.mark.parametrize(
    ("artifact", "said"),
    [
        pytest.param({}, "required artifact 'a' not supplied", id="not-given"),
        pytest.param({"s3": {"key": "no"}}, "artifact a failed to load: ", id="not-there"),
        pytest.param({"path": "/x/../..", "raw": {"data": ""}}, "Artifact 'a' attempted to use",
                     id="a-path-that-leaves"),
    ],
)  # fmt: skip
def test_inputs_that_cannot_be_had_end_init(play: Any, artifact: Any, said: str) -> None:
    async def story(site: Any) -> None:
        template = {**ARCHIVE, "inputs": {"artifacts": [{"name": "a", "path": "/a", **artifact}]}}
        await site.run(**carried(template, "true"))
        status = await site.finished()
        assert ended(status, "init")["exitCode"] == 64
        assert ended(status, "init")["message"].startswith(said)

    play(story)


def test_logs_are_kept_as_they_came(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        template = {"archiveLocation": {**ARCHIVE["archiveLocation"], "archiveLogs": True}}
        await site.run(**carried(template, "echo one; echo two >&2; printf three"))
        assert (await site.finished())["phase"] == "Succeeded"
        assert saved(site) == {"main-logs": "wf/p/main.log"}

    play(story)
    log = tmp_path / "home" / "artifacts" / "team" / "b" / "wf" / "p" / "main.log"
    assert sorted(log.read_text().split()) == ["one", "three", "two"]


def test_what_a_resource_template_said_of_itself_stays_beside_its_log(play: Any) -> None:
    async def story(site: Any) -> None:
        template = {
            "archiveLocation": {**ARCHIVE["archiveLocation"], "archiveLogs": True},
            "resource": {"action": "get"},
            "outputs": {"parameters": [{"name": "p", "valueFrom": {"jsonPath": "{.x}"}}]},
        }
        own = {"outputs": {"parameters": [{"name": "p", "value": "own"}]}}
        head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTaskResult"}
        owner = {"apiVersion": "v1", "kind": "Pod", "name": "gone", "uid": "another"}
        about = {"name": "node-id", "namespace": "team", "ownerReferences": [owner]}
        await site.cluster.create({**head, "metadata": about, **own})
        await site.run(**carried(template, "echo log"))
        await site.finished()
        assert [each["name"] for each in result_of(site)["metadata"]["ownerReferences"]] == ["p"]
        assert result_of(site)["outputs"]["parameters"] == own["outputs"]["parameters"]
        assert saved(site) == {"main-logs": "wf/p/main.log"}

    play(story)


def test_an_artifact_in_a_volume_stays_there(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        tmp_path.joinpath("d").mkdir()
        tmp_path.joinpath("d", "trap").symlink_to("/etc")
        mount = {"name": "d", "mountPath": "/d"}
        template = taking(
            {"name": "out", "path": "/d/out"}, {"name": "trap", "path": "/d/trap/hostname"},
            container={"volumeMounts": [mount]},
            inputs={"artifacts": [{"name": "in", "path": "/d/sub/in", "raw": {"data": "in"}}]},
        )  # fmt: skip
        volumes = [{"name": "d", "hostPath": {"path": str(tmp_path / "d")}}]
        mirrored = [{"name": "d", "mountPath": "/mainctrfs/d"}]
        spec = carried(
            template, "cat /d/sub/in; echo out > /d/out", main={"volumeMounts": [mount]},
            volumes=volumes, init_mounts=mirrored,
        )  # fmt: skip
        await site.run(**spec)
        status = await site.finished()
        assert await site.logs() == "in"
        assert "out" in saved(site)
        assert tmp_path.joinpath("d", "out").read_text() == "out\n"
        assert status["phase"] in ("Succeeded", "Failed")

    play(story)


def test_what_was_saved_is_not_missed_after_a_restart(play: Any) -> None:
    async def story(site: Any) -> None:
        template = taking({"name": "a", "path": "/a"}, {"name": "b", "path": "/b"})
        held = asyncio.Event()
        create = site.cluster.create

        async def hold(manifest: Any) -> Any:
            if manifest["kind"] == "WorkflowTaskResult":
                held.set()
                await asyncio.sleep(60)
            return await create(manifest)

        site.cluster.create = hold
        await site.run(**carried(template, "echo a > /a; echo b > /b"))
        await asyncio.wait_for(held.wait(), 10)
        await site.node.stop()
        site.cluster.create = create
        site.node = site.make()
        await site.node.start()
        assert (await site.finished())["phase"] == "Succeeded"
        assert saved(site).keys() == {"a", "b"}

    play(story)


def test_a_directory_is_saved_with_the_volumes_in_it(play: Any) -> None:
    async def story(site: Any) -> None:
        mount = {"name": "v", "mountPath": "/all/vol"}
        spec = carried(
            taking({"name": "all", "path": "/all"}), "echo v > /all/vol/f; echo r > /all/r",
            main={"volumeMounts": [mount]}, volumes=[{"name": "v", "emptyDir": {}}],
        )  # fmt: skip
        await site.run(**spec)
        assert (await site.finished())["phase"] == "Succeeded"
        again = {"name": "all", "path": "/in", "s3": {"key": saved(site)["all"]}}
        said = await site.output("", "q", **giving(again, command="cat /in/r /in/vol/f"))
        assert said.split() == ["r", "v"]

    play(story)


def test_a_directory_of_several_layers_is_merged(tmp_path: Path) -> None:
    for name, text in (("upper/d/new", "new"), ("low/files/d/old", "old"), ("low/files/d/x", "x")):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    facts = {"size": 0, "removed": [], "opaque": []}
    (tmp_path / "low" / "facts.json").write_text(json.dumps(facts))
    view = View([Place("/", str(tmp_path / "upper"))], [str(tmp_path / "low" / "files")])
    assert gather.is_needed(view, "/d")
    gather.gather(view, "/d", str(tmp_path / "all"))
    assert sorted(os.listdir(tmp_path / "all")) == ["new", "old", "x"]
    assert view.read("/d/old", 9) == b"old"
