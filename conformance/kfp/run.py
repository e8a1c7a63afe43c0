"""One case: upload the file as it is, run it, wait, say what came of it and of its outputs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from conformance.argo.api import Api as Kubernetes
from conformance.kfp.api import Api, Refused
from conformance.kfp.cases import Case

_OVER = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
_RUNS = "/apis/pipelines.kubeflow.org/v2beta1/namespaces/{}/runs?labelSelector=pipeline/runid%3D{}"


@dataclass(frozen=True)
class Surroundings:
    api: Api
    kubernetes: Kubernetes
    namespace: str


@dataclass(frozen=True)
class Outcome:
    case: Case
    good: bool
    got: str

    def line(self, seconds: float) -> str:
        sign = "ok  " if self.good else "MISS"
        return f"{sign} {self.case.path}\t{self.case.expected.said}\t{self.got}\t{seconds:.1f} s"


def run(around: Surroundings, name: str, case: Case, patience: float) -> Outcome:
    """Never raises: what goes wrong is the outcome."""
    try:
        good, got = _run(around, name, case, patience)
    except Refused as error:
        good = case.expected.way == "refuse" and str(error).startswith("400")
        got = f"refused: {error}"
    except Exception as error:
        good, got = False, f"{type(error).__name__}: {error}"
    return Outcome(case, good, " ".join(got.split())[:400])


def _run(around: Surroundings, name: str, case: Case, patience: float) -> tuple[bool, str]:
    api = around.api
    if case.expected.way == "v1":
        return _uploaded_as_v1(api, name, case)
    what = _uploaded(api, name, case)
    if case.expected.way in ("accept", "none"):
        return True, "accepted"
    given = {"parameters": case.arguments()}
    body = {"display_name": name, "runtime_config": given, **what}
    run_id = api.ask("POST", "/apis/v2beta1/runs", body)["run_id"]
    ended = _ended(api, run_id, patience)
    state = ended.get("state", "no state")
    if case.expected.way == "refuse":
        return False, f"it was run: {state}"
    tasks = _tasks(around, run_id)
    if state not in case.expected.states:
        return False, f"{state}: {_said(ended, tasks)}"
    wanted = case.expected.output
    if wanted is not None and not _has(tasks, wanted):
        return False, f"{state}, without the output {wanted}: {_outputs(tasks)}"
    return True, f"{state}, {len(tasks)} tasks"


def _uploaded_as_v1(api: Api, name: str, case: Case) -> tuple[bool, str]:
    """A Workflow is taken, what is none is refused."""
    is_workflow = all(mark in case.text for mark in case.expected.states)
    try:
        made = api.upload("/apis/v1beta1/pipelines/upload", name, case.file.read_bytes())
    except Refused as refused:
        return not is_workflow and str(refused).startswith("400"), f"refused: {refused}"
    return is_workflow, f"uploaded as {made['id']}"


def _uploaded(api: Api, name: str, case: Case) -> dict[str, Any]:
    """What a request says is to be run. A pipeline whose own name no upload takes may be run all
    the same."""
    try:
        made = api.upload("/apis/v2beta1/pipelines/upload", name, case.file.read_bytes())
    except Refused as refused:
        if "pipeline's name must contain" not in str(refused):
            raise
        return {"pipeline_spec": case.documents()}
    return {"pipeline_version_reference": {"pipeline_id": made["pipeline_id"]}}


def _ended(api: Api, run_id: str, patience: float) -> dict[str, Any]:
    """The run once it is over; after `patience` seconds as it is."""
    until = time.monotonic() + patience
    while True:
        found: dict[str, Any] = api.ask("GET", f"/apis/v2beta1/runs/{run_id}")
        if found.get("state") in _OVER or time.monotonic() > until:
            return found
        time.sleep(0.1)


def _tasks(around: Surroundings, run_id: str) -> dict[str, Any]:
    listed = around.kubernetes.ask("GET", _RUNS.format(around.namespace, run_id))["items"]
    return (listed[0].get("status") or {}).get("tasks") or {} if listed else {}


def _outputs(tasks: dict[str, Any]) -> list[dict[str, Any]]:
    return [(each.get("outputs") or {}).get("parameters") or {} for each in tasks.values()]


def _has(tasks: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether the values are among what tasks and DAGs gave, artifacts left out."""
    found = _outputs(tasks)
    plain = {key: value for key, value in wanted.items() if not _is_artifact(value)}
    return all(any(key in each and each[key] == value for each in found)
               for key, value in plain.items())  # fmt: skip


def _is_artifact(value: Any) -> bool:
    return isinstance(value, dict) and "uri" in value


def _said(ended: dict[str, Any], tasks: dict[str, Any]) -> str:
    broken = [
        f"{path or 'root'}: {each.get('error') or each['state']}"
        for path, each in tasks.items()
        if each.get("state") not in ("SUCCEEDED", "CACHED", "SKIPPED", "OMITTED")
    ]
    return f"{(ended.get('error') or {}).get('message', '')} | {' | '.join(broken[-3:])}"
