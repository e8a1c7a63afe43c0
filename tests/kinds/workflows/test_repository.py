"""Which repository a workflow uses, and that it stays the same one."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import WORKFLOW, leaf, workflow
from sampan.kinds.workflows import COMPONENT, repository
from sampan.kube.keys import Manifest

LOCAL = {"s3": {"endpoint": "artifacts.sampan", "bucket": "artifacts", "insecure": True}}
MINE = {"s3": {"endpoint": "minio:9000", "bucket": "mine"}}
MINE_TEXT = "s3: {endpoint: 'minio:9000', bucket: mine}"


def config(
    name: str = "artifact-repositories", namespace: str = "u", usual: str = "", **data: str
) -> Manifest:
    noted = {"workflows.argoproj.io/default-artifact-repository": usual} if usual else {}
    return {
        "apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": {"name": name, "namespace": namespace, "annotations": noted},
    }  # fmt: skip


def toy(*configs: Manifest, **spec: Any) -> Toy:
    toy = Toy(COMPONENT)
    for each in configs:
        toy.apply(each)
    toy.apply(workflow(leaf(), entrypoint="work", **spec))
    toy.settle()
    return toy


def ref(toy: Toy) -> Any:
    return toy.objects[WORKFLOW]["status"].get("artifactRepositoryRef")


def test_without_a_word_it_is_the_local_one() -> None:
    assert ref(toy()) == {"default": True, "artifactRepository": LOCAL}


def test_a_namespace_says_what_is_usual() -> None:
    found = ref(toy(config(usual="k", k=MINE_TEXT, other="{}")))
    assert found == {
        "namespace": "u", "configMap": "artifact-repositories", "key": "k",
        "artifactRepository": MINE,
    }  # fmt: skip


def test_a_configmap_that_names_none_as_usual_is_passed_over() -> None:
    assert ref(toy(config(k=MINE_TEXT)))["default"] is True


def test_a_workflow_names_its_own() -> None:
    found = ref(toy(config("x", k=MINE_TEXT), artifactRepositoryRef={"configMap": "x", "key": "k"}))
    assert (found["configMap"], found["artifactRepository"]) == ("x", MINE)


def test_what_was_found_stays() -> None:
    run = toy(config(usual="k", k=MINE_TEXT))
    run.apply(config(usual="other", other="s3: {endpoint: elsewhere, bucket: b}"))
    run.settle()
    assert ref(run)["artifactRepository"] == MINE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", 'error getting config map for artifact repository ref "u/x#k": '),
        ("s3: [", 'failed to unmarshall config map key "k"'),
        ("s3: text", "not an object"),
        (None, 'failed to find any artifact repository for artifact repository ref "x#k"'),
    ],
    ids=["list", "no-yaml", "no-object", "missing"],
)  # fmt: skip
def test_none_to_be_had_is_an_error(text: str | None, said: str) -> None:
    configs = [config("x", k=text)] if text is not None else []
    run = toy(*configs, artifactRepositoryRef={"configMap": "x", "key": "k"})
    status = run.objects[WORKFLOW]["status"]
    assert status["phase"] == "Error"
    assert status["message"].startswith("failed to resolve artifact repository: ")
    assert said in status["message"]


def test_an_empty_repository_is_one() -> None:
    assert repository.Repository({"artifactRepository": {}}).settings == {}
