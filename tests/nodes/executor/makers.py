"""Pods as the workflow controller makes them, and what their executor has said."""

from __future__ import annotations

import json
from typing import Any

from sampan.kube import argoexec
from sampan.kube.keys import Key

NAMESPACE = "team"


def carried(template: dict[str, Any], command: str = "", **more: Any) -> dict[str, Any]:
    """The spec of a pod with `init` and `wait`; `main` runs a shell line. The other containers
    of the template have the emissary before their commands, too."""
    result = more.pop("result", False)
    env = [
        {"name": argoexec.NODE_ID, "value": "node-id"},
        {"name": argoexec.WORKFLOW_NAME, "value": "wf"},
        {"name": argoexec.WITH_RESULT, "value": str(result).lower()},
        *({"name": name, "value": value} for name, value in more.pop("env", {}).items()),
    ]
    run = {"name": argoexec.VOLUME_RUN, "mountPath": argoexec.RUN}
    image = f"{argoexec.IMAGE}:{argoexec.VERSION}"
    told = {"name": argoexec.TEMPLATE, "value": json.dumps(template)}
    shell = ["sh", "-c", command] if command else []
    main = {
        "name": "main", "image": "busybox", "command": [*argoexec.EMISSARY, *shell],
        **more.pop("main", {}),
    }  # fmt: skip
    main["volumeMounts"] = [*(main.get("volumeMounts") or ()), run]
    wait = {
        "name": "wait", "image": image, "command": ["argoexec", "wait"], "env": env,
        "volumeMounts": [run],
    }  # fmt: skip
    init = {
        "name": "init", "image": image, "command": ["argoexec", "init"], "env": [told, *env],
        "volumeMounts": [run, *more.pop("init_mounts", ())],
    }  # fmt: skip
    others = [
        {**each, "command": [*argoexec.EMISSARY, *each["command"]]}
        for each in template.get("sidecars") or ()
    ]
    volumes = [{"name": argoexec.VOLUME_RUN, "emptyDir": {}}, *more.pop("volumes", ())]
    return {
        "containers": [wait, main, *others], "initContainers": [init], "volumes": volumes, **more,
    }  # fmt: skip


def outputs(**paths: str) -> dict[str, Any]:
    return {
        "outputs": {
            "parameters": [
                {"name": name, "valueFrom": {"path": path}} for name, path in paths.items()
            ]
        }
    }


def result_of(site: Any) -> dict[str, Any]:
    """The WorkflowTaskResult; {} when there is none."""
    found = site.cluster.get(Key("WorkflowTaskResult.argoproj.io", NAMESPACE, "node-id"))
    return found or {}


def values(site: Any) -> dict[str, str]:
    listed = (result_of(site).get("outputs") or {}).get("parameters") or ()
    return {each["name"]: each.get("value", "") for each in listed}


def ended(status: dict[str, Any], name: str) -> dict[str, Any]:
    """How a container has ended."""
    every = [*status.get("initContainerStatuses", ()), *status["containerStatuses"]]
    (found,) = [each for each in every if each["name"] == name]
    return dict(found["state"]["terminated"])
