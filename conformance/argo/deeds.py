"""What has to be done besides applying the file: by path, (before, after).

`before` changes the manifest as the test's command line would (`-p message=…`); `after` does with
the running workflow what upstream's test does, through the Argo Server, and answers with its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from conformance.argo.api import Api, Manifest

Before = Callable[[Manifest], None]
After = Callable[[Api, str, float], None]
_SOON = 30.0
_MOMENT = 1.0


def _message(manifest: Manifest) -> None:
    given = {"name": "message", "value": "hello"}
    manifest["spec"].setdefault("arguments", {})["parameters"] = [given]


def _verb(verb: str, **body: Any) -> After:
    """A PUT of the Argo Server, once the workflow runs and has had a moment."""

    def after(api: Api, path: str, patience: float) -> None:
        wait(api, path, lambda status: status.get("phase") == "Running" and status.get("nodes"))
        time.sleep(_MOMENT)
        api.argo("PUT", path, verb, body)

    return after


def _resume(api: Api, path: str, patience: float) -> None:
    wait(api, path, _is_suspended)
    api.argo("PUT", path, "resume", {})


def _set_and_resume(api: Api, path: str, patience: float) -> None:
    wait(api, path, _is_suspended)
    status = api.ask("GET", path)["status"]
    for node in status["nodes"].values():
        if node["type"] == "Suspend" and node["phase"] == "Running":
            wanted = (node.get("outputs") or {}).get("parameters") or ()
            values = ", ".join(f'"{each["name"]}": "YES"' for each in wanted)
            chosen = f"displayName={node['displayName']}"
            body = {"outputParameters": f"{{{values}}}", "nodeFieldSelector": chosen}
            api.argo("PUT", path, "set", body)
    api.argo("PUT", path, "resume", {})


def _resume_then_stop(api: Api, path: str, patience: float) -> None:
    wait(api, path, _is_suspended)
    chosen = "inputs.parameters.tag.value="
    api.argo("PUT", path, "resume", {"nodeFieldSelector": f"{chosen}suspend1-tag1"})
    wait(api, path, lambda status: _is_suspended(status) and _done(status, "suspend1"))
    body = {"nodeFieldSelector": f"{chosen}suspend2-tag1", "message": "because"}
    api.argo("PUT", path, "stop", body)


def _retry(api: Api, path: str, patience: float) -> None:
    wait(api, path, lambda status: status.get("phase") == "Failed")
    api.argo("PUT", path, "retry", {})


def wait(api: Api, path: str, true: Callable[[Manifest], Any]) -> None:
    until = time.monotonic() + _SOON
    while not true(api.ask("GET", path).get("status") or {}):
        if time.monotonic() > until:
            raise TimeoutError("the workflow did not come to where the test waits for it")
        time.sleep(0.1)


def _suspended(status: Manifest) -> list[Manifest]:
    nodes = (status.get("nodes") or {}).values()
    return [each for each in nodes if each["type"] == "Suspend" and each["phase"] == "Running"]


def _is_suspended(status: Manifest) -> bool:
    return bool(_suspended(status))


def _done(status: Manifest, name: str) -> int:
    nodes = (status.get("nodes") or {}).values()
    return sum(each["displayName"] == name and each["phase"] == "Succeeded" for each in nodes)


DEEDS: Mapping[str, tuple[Before | None, After | None]] = {
    "examples/suspend-template-outputs.yaml": (None, _set_and_resume),
    "test/e2e/functional/stop-terminate.yaml": (None, _verb("stop")),
    "test/e2e/functional/stop-terminate-2.yaml": (None, _verb("terminate")),
    "test/e2e/functional/stop-terminate-daemon.yaml": (None, _verb("stop")),
    "test/e2e/functional/workflow-exit-handler-sleep.yaml": (None, _verb("terminate")),
    "test/e2e/functional/suspend-dag-template.yaml": (None, _resume),
    "test/e2e/testdata/node-suspend.yaml": (None, _resume_then_stop),
    "test/e2e/testdata/fail-first-pass-second.yaml": (None, _retry),
    "test/e2e/testdata/parameters-workflow.yaml": (_message, None),
}
