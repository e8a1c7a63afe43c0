"""Pods of pipelines' tasks, as their controller makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from nodes.conftest import NAMESPACE
from sampan.kube import launcher, names

ROOT = "minio://mlpipeline/v2/artifacts/pipe/run-1"
OWN = f"{ROOT}/task/salt"
PATH = "/minio/mlpipeline/v2/artifacts/pipe/run-1/task/salt"
CONTENT = "content"


def a_task(
    *,
    inputs: dict[str, str] | None = None,
    outputs: tuple[str, ...] = (),
    parameters: dict[str, str] | None = None,
    **more: Any,
) -> launcher.Task:
    """`inputs`: name -> uri; `parameters`: output name -> type."""
    asked = {
        "inputs": {
            "artifacts": {
                name: {"artifacts": [{"name": name, "uri": uri}]}
                for name, uri in (inputs or {}).items()
            }
        },
        "outputs": {
            "parameters": {
                name: {"outputFile": f"/tmp/kfp/outputs/{name}"} for name in parameters or {}
            },
            "artifacts": {
                name: {"artifacts": [{"name": name, "uri": f"{OWN}/{name}"}]} for name in outputs
            },
            "outputFile": f"{PATH}/output_metadata.json",
        },
    }
    declared = {
        "parameters": {name: {"type": type} for name, type in (parameters or {}).items()},
        "artifacts": {name: {"type": "system.Model"} for name in outputs},
    }
    known = msgspec.convert(declared, launcher.Outputs)
    return launcher.Task(executorInput=asked, outputs=known, **more)


def carried(task: launcher.Task, command: str, **spec: Any) -> dict[str, Any]:
    """For `Site.run`."""
    main = {"command": [*launcher.PREFIX, "sh", "-ec", command]}
    return {
        "annotations": {names.ANNOTATION_TASK: launcher.encode_task(task)},
        "labels": {names.LABEL_RUN_ID: "run-1"},
        "initContainers": [{"name": launcher.INIT, "image": launcher.LAUNCHER_IMAGE}],
        "container": main,
        **spec,
    }


def ended(status: dict[str, Any]) -> dict[str, Any]:
    """How the main container has ended."""
    found: dict[str, Any] = status["containerStatuses"][0]["state"]["terminated"]
    return found


def result(site: Any, name: str = "p") -> launcher.Result:
    found = launcher.result_of(site.get(name))
    assert found is not None, site.status(name)
    return found


def kept(site: Any, uri: str) -> Path:
    """Where an artifact of the local repository lies."""
    return Path(site.home / "artifacts" / NAMESPACE / uri.partition("://")[2])


def keep(site: Any, uri: str, text: str = CONTENT) -> None:
    path = kept(site, uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
