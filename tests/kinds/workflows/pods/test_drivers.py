"""Pods whose artifacts are moved by a driver of the operator's."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.workflows.pods import drivers
from sampan.kinds.workflows.pods.about import Unbuildable
from sampan.kinds.workflows.types import Driver

MINE = Driver("mine", "registry/mine:1", 7)
PLACE = {"name": "mine", "configuration": "c", "key": "k"}
OUT = {"outputs": {"artifacts": [{"name": "o", "path": "/o", "plugin": PLACE}]}}
IN = {"inputs": {"artifacts": [{"name": "i", "path": "/i", "plugin": PLACE}]}}


def furnished(template: dict[str, Any], *known: Driver) -> dict[str, Any]:
    inputs = {"name": "input-artifacts", "mountPath": "/argo/inputs/artifacts"}
    mirror = {"name": "v", "mountPath": "/mainctrfs/v"}
    spec: dict[str, Any] = {
        "initContainers": [{"name": "init", "volumeMounts": [inputs, mirror], "env": []}],
        "containers": [{"name": "wait", "volumeMounts": [mirror], "env": []}, {"name": "main"}],
        "volumes": [],
    }
    drivers.furnish(spec, template, {each.name: each for each in known})
    return spec


def test_one_that_stores_runs_beside_and_shares_files_with_wait() -> None:
    spec = furnished(OUT, MINE)
    wait, _, beside = spec["containers"]
    assert beside["name"] == "artifact-plugin-mine"
    assert beside["image"] == "registry/mine:1"
    assert beside["command"][1] == "artifact-plugin-sidecar"
    assert beside["args"] == ["/tmp/artifact-plugins/mine/socket"]
    shared = ["/tmp/artifact-plugins/mine", "/tmp/argo/outputs", "/mainctrfs/v"]
    assert {each["mountPath"] for each in beside["volumeMounts"]} == set(shared)
    assert {each["mountPath"] for each in wait["volumeMounts"]} == set(shared)
    assert wait["env"] == [{"name": "ARGO_ARTIFACT_PLUGIN_NAMES", "value": "artifact-plugin-mine"}]
    assert [each["name"] for each in spec["volumes"]] == ["artifact-plugin-mine", "tmp-dir-argo"]
    assert len(spec["initContainers"]) == 1


def test_one_that_fetches_runs_before_and_sees_the_inputs() -> None:
    spec = furnished(IN, MINE)
    _, before = spec["initContainers"]
    assert before["name"] == "init-artifact-mine"
    assert before["command"][1:4] == ["artifact-plugin-init", "--plugin-name", "mine"]
    places = {each["mountPath"] for each in before["volumeMounts"]}
    assert {"/argo/inputs/artifacts", "/mainctrfs/v"} < places
    assert len(spec["containers"]) == 2


def test_logs_go_where_the_archive_location_is() -> None:
    archive = {"archiveLogs": True, "plugin": PLACE}
    assert drivers.of_outputs({"archiveLocation": archive}) == {"mine"}
    assert drivers.of_outputs({"archiveLocation": {**archive, "archiveLogs": False}}) == set()


def test_an_artifact_without_a_place_has_the_archive_location_s() -> None:
    bare = {"inputs": {"artifacts": [{"name": "i", "plugin": {"key": "x"}}]}}
    assert drivers.of_inputs({**bare, "archiveLocation": {"plugin": PLACE}}) == {"mine"}
    raw = {"inputs": {"artifacts": [{"name": "i", "raw": {"data": "x"}}]}}
    assert drivers.of_inputs({**raw, "archiveLocation": {"plugin": PLACE}}) == set()


def test_an_unknown_one_is_a_pod_that_cannot_be_made() -> None:
    with pytest.raises(Unbuildable, match="artifact driver mine not found"):
        furnished(OUT)


def test_the_operator_s_time_holds_where_the_artifact_has_none() -> None:
    own = {"inputs": {"artifacts": [{"plugin": {**PLACE, "connectionTimeoutSeconds": 3}}]}}
    timed = drivers.timed({**OUT, **own}, {"mine": MINE})
    (out,), (given,) = timed["outputs"]["artifacts"], timed["inputs"]["artifacts"]
    assert out["plugin"]["connectionTimeoutSeconds"] == 7
    assert given["plugin"]["connectionTimeoutSeconds"] == 3
