"""Claims of pipelines: those that tasks make and delete, the workspace of a run."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sampan.kinds.pipelines.ir.messages import KubernetesWorkspace, PipelineConfig, Workspace
from sampan.kinds.pipelines.ir.resolve import RunFacts
from sampan.kinds.pipelines.pods import claims, workspace
from sampan.kinds.pipelines.pods.about import About, Unbuildable
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest

RUN: Manifest = {
    "apiVersion": "pipelines.kubeflow.org/v2beta1",
    "kind": "Run",
    "metadata": {"name": "r", "namespace": "u", "uid": "r1"},
    "spec": {},
}
FACTS = RunFacts(id="r1", name="r", display_name="r", pipeline_root="", created="")
ABOUT = About(run=RUN, facts=FACTS, path="createpvc", task="createpvc")
MODES = ["ReadWriteOnce"]


def made(**parameters: Any) -> Manifest:
    return claims.creation(ABOUT, {"access_modes": MODES, "size": "5Gi", **parameters})


def test_a_claim_is_made_of_the_parameters() -> None:
    claim = made(
        pvc_name="data",
        storage_class_name="fast",
        volume_name="v1",
        annotations={"a": "b"},
        data_source={"kind": "PersistentVolumeClaim", "name": "other"},
    )
    assert claim["metadata"] == {
        "name": "data",
        "namespace": "u",
        "labels": {"pipeline/runid": "r1"},
        "annotations": {"a": "b", names.ANNOTATION_TASK_PATH: "createpvc"},
    }
    assert claim["spec"] == {
        "accessModes": MODES,
        "resources": {"requests": {"storage": "5Gi"}},
        "storageClassName": "fast",
        "volumeName": "v1",
        "dataSource": {"kind": "PersistentVolumeClaim", "name": "other"},
    }


def test_a_claim_that_no_class_is_given_for_gets_upstreams() -> None:
    assert made()["spec"]["storageClassName"] == "standard"


def test_a_claim_with_a_suffix_or_without_a_name_has_a_name_of_its_own() -> None:
    uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(uuid, meta.name_of(made()))
    assert re.fullmatch(f"{uuid}-data", meta.name_of(made(pvc_name_suffix="-data")))
    assert made() == made()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param(
            {"size": "1Gi"},
            "failed to create pvc: parameter access_modes not provided",
            id="no-modes",
        ),
        pytest.param(
            {"access_modes": MODES},
            "failed to create pvc: parameter volumeSize not provided",
            id="no-size",
        ),
        pytest.param(
            {"access_modes": MODES, "size": "1Gi", "pvc_name": "a", "pvc_name_suffix": "b"},
            "failed to create pvc: at most one of pvc_name and pvc_name_suffix can be non-empty",
            id="two-names",
        ),
        pytest.param(
            {"access_modes": MODES, "size": "much"},
            'failed to parse pvc size "much": ',
            id="no-quantity",
        ),
        pytest.param(
            {"access_modes": ["Sometimes"], "size": "1Gi"},
            "failed to create pvc: unknown access mode 'Sometimes'",
            id="unknown-mode",
        ),
        pytest.param(
            {"access_modes": MODES, "size": "1Gi", "data_source": "other"},
            "failed to build data source: ",
            id="data-source",
        ),
    ],
)
def test_a_claim_that_cannot_be_made_says_why(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(Unbuildable) as error:
        claims.creation(ABOUT, parameters)
    assert str(error.value).startswith(message)


def test_a_claim_is_made_once_and_never_taken_from_somebody() -> None:
    wanted = made(pvc_name="data")
    assert not claims.is_made(wanted, None)
    assert claims.is_made(wanted, {**wanted, "status": {"phase": "Bound"}})
    foreign = {**wanted, "metadata": {"name": "data", "namespace": "u"}}
    with pytest.raises(Unbuildable, match='persistentvolumeclaims "data" already exists'):
        claims.is_made(wanted, foreign)


def test_a_claim_is_deleted_once() -> None:
    key = claims.deletion(ABOUT, {"pvc_name": "data"})
    assert key == Key(names.PERSISTENT_VOLUME_CLAIM, "u", "data")
    there = made(pvc_name="data")
    assert not claims.is_gone(key, there, begun=False)
    leaving = {**there, "metadata": {**there["metadata"], "deletionTimestamp": "x"}}
    assert claims.is_gone(key, leaving, begun=True)
    assert claims.is_gone(key, None, begun=True)
    with pytest.raises(Unbuildable, match='cannot find pvc: persistentvolumeclaims "data" not'):
        claims.is_gone(key, None, begun=False)
    with pytest.raises(Unbuildable, match="required parameter pvc_name not provided"):
        claims.deletion(ABOUT, {})


def spoken(size: str = "1Gi", **patch: Any) -> PipelineConfig:
    patched = KubernetesWorkspace(pvcSpecPatch=patch) if patch else None
    return PipelineConfig(workspace=Workspace(size=size, kubernetes=patched))


def test_a_pipeline_without_a_workspace_needs_no_claim() -> None:
    assert workspace.claim(RUN, PipelineConfig()) is None


def test_the_workspace_belongs_to_the_run() -> None:
    claim = workspace.claim(RUN, spoken())
    assert claim is not None
    assert meta.name_of(claim) == "r-kfp-workspace"
    assert meta.is_controlled_by(claim, RUN)
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }


def test_the_workspace_may_say_its_class_and_access() -> None:
    claim = workspace.claim(
        RUN, spoken("1.5Gi", accessModes=["ReadWriteMany"], storageClassName="n")
    )
    assert claim is not None
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert claim["spec"]["storageClassName"] == "n"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param(spoken(""), "workspace size is required but not specified", id="no-size"),
        pytest.param(spoken("10GB"), "invalid size value for workspace PVC", id="no-quantity"),
        pytest.param(spoken("-1Gi"), "negative size value for workspace PVC: -1Gi", id="negative"),
        pytest.param(
            spoken(invalidField="x"), "unknown fields in PVC spec patch: .invalidField.", id="field"
        ),
        pytest.param(
            spoken(accessModes=[]), "workspace PVC spec must specify accessModes", id="no-modes"
        ),
        pytest.param(
            spoken(storageClassName=""), "storageClassName must be omitted or set", id="no-class"
        ),
    ],
)
def test_a_workspace_that_cannot_be_made_says_why(config: PipelineConfig, message: str) -> None:
    with pytest.raises(Unbuildable, match=message):
        workspace.claim(RUN, config)


@pytest.mark.parametrize(
    ("inputs", "needed"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"parameterValues": {"path": "/kfp-workspace/data"}}, True, id="path"),
        pytest.param({"parameterValues": {"path": "/tmp", "n": 1}}, False, id="other-path"),
        pytest.param(
            {"artifacts": {"m": {"artifacts": [{"metadata": {"_kfp_workspace": True}}]}}},
            True,
            id="artifact-in-it",
        ),
        pytest.param({"artifacts": {"m": {"artifacts": [{"uri": "s3://b/k"}]}}}, False, id="other"),
    ],
)
def test_who_needs_the_workspace(inputs: dict[str, Any], needed: bool) -> None:
    assert workspace.is_needed({"inputs": inputs}) == needed
