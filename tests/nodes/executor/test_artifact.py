"""`argoexec artifact delete`: what is deleted, and what is said of what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from nodes.executor.makers import NAMESPACE
from sampan.kube import argoexec, names
from sampan.kube.keys import Key

PLACE = {"s3": {"endpoint": "artifacts.sampan", "bucket": "b", "insecure": True, "key": "x"}}
TASK = Key(names.WORKFLOW_ARTIFACT_GC_TASK, NAMESPACE, "gc-0")


def task(**artifacts: Any) -> dict[str, Any]:
    listed = {name: {"name": name, **each} for name, each in artifacts.items()}
    return {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowArtifactGCTask",
        "metadata": {"name": "gc-0", "namespace": NAMESPACE,
                     "labels": {argoexec.LABEL_GC_POD: "7"}},
        "spec": {"artifactsByNode": {"node": {"archiveLocation": PLACE, "artifacts": listed}}},
    }  # fmt: skip


def collector(*words: str) -> dict[str, Any]:
    image = f"{argoexec.IMAGE}:{argoexec.VERSION}"
    env = [{"name": argoexec.GC_POD, "value": "7"}]
    command = ["argoexec", "artifact", *words]
    return {"containers": [{"name": "main", "image": image, "command": command, "env": env}]}


def test_each_artifact_has_a_result(play: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("sampan.nodes.executor.artifact.AGAIN", ())

    async def story(site: Any) -> None:
        kept = tmp_path / "home" / "artifacts" / NAMESPACE / "b" / "wf" / "a"
        kept.parent.mkdir(parents=True)
        kept.write_text("x")
        await site.cluster.create(
            task(a={"s3": {"key": "wf/a"}}, gone={"s3": {"key": "wf/gone"}}, raw={"raw": {}})
        )
        await site.run(**collector("delete"))
        assert (await site.finished())["phase"] == "Succeeded"
        assert not kept.exists()
        by_node = site.cluster.get(TASK)["status"]["artifactResultsByNode"]
        said = by_node["node"]["artifactResults"]
        assert said["a"] == {"name": "a", "success": True}
        assert said["gone"] == {"name": "gone", "success": True}
        assert said["raw"] == {
            "name": "raw", "success": False, "error": "delete not supported for raw artifacts",
        }  # fmt: skip

    play(story)


@pytest.mark.parametrize("words", [(), ("upload",)])
def test_other_words_are_refused(play: Any, words: tuple[str, ...]) -> None:
    async def story(site: Any) -> None:
        await site.run(**collector(*words))
        status = await site.finished()
        assert status["phase"] == "Failed"
        (main,) = status["containerStatuses"]
        assert 'for "argoexec artifact"' in main["state"]["terminated"]["message"]

    play(story)
