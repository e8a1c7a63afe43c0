"""One case: make its namespace, apply its documents as they are, wait, say what came of it."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from conformance.argo.api import CLUSTER_SCOPED, Api, Refused
from conformance.argo.cases import GROUP, Case, Expected, Library, Manifest
from conformance.argo.deeds import DEEDS
from conformance.argo.stand_ins import StandIns
from sampan.lib import yaml

_FIXTURES = Path(__file__).with_name("fixtures.yaml").read_text()
_STAYS = 8.0
_STRICTLY = "?dryRun=All&fieldValidation=Strict"
_OVER = ("Succeeded", "Failed", "Error")


@dataclass(frozen=True)
class Surroundings:
    api: Api
    library: Library
    servers: StandIns


@dataclass(frozen=True)
class Outcome:
    case: Case
    good: bool
    got: str

    def line(self, seconds: float) -> str:
        sign = "ok  " if self.good else "MISS"
        return f"{sign} {self.case.path}\t{self.case.expected.said}\t{self.got}\t{seconds:.1f} s"


def run(around: Surroundings, namespace: str, case: Case, patience: float) -> Outcome:
    """Never raises: what goes wrong is the outcome."""
    try:
        good, got = _run(around, namespace, case, patience)
    except yaml.YamlError as error:
        good, got = case.expected.way == "reject", f"no YAML: {str(error).splitlines()[0]}"
    except Refused as error:
        good, got = case.expected.way == "reject", f"refused: {error}"
    except Exception as error:
        good, got = False, f"{type(error).__name__}: {error}"
    return Outcome(case, good, " ".join(got.split())[:300])


def _run(around: Surroundings, namespace: str, case: Case, patience: float) -> tuple[bool, str]:
    api, namespace = around.api, "argo" if "namespace=argo" in case.text else namespace
    documents = [_meant(each) for each in case.documents]
    if case.expected.said == "n/a (None)":
        return True, "no manifest"
    referred = around.library.needed(case.path, documents)
    servers = around.servers.needed(f"{case.text}{referred}")
    _prepare(api, namespace, (*referred, *servers))
    if case.expected.way == "reject":
        for each in documents:  # as `argo lint` does: strictly
            api.ask("POST", f"{api.path(each, namespace)}{_STRICTLY}", _moved(each, namespace))
    before, after = DEEDS.get(case.path, (None, None))
    made = []
    for each in documents:
        manifest = _moved(each, namespace)
        if before is not None:
            before(manifest)
        if manifest.get("kind") in (*CLUSTER_SCOPED, "ConfigMap"):
            api.ensure(manifest, namespace)
        else:
            made.append(api.create(manifest, namespace))
    if case.expected.way == "accept":
        return True, "accepted"
    started = list(_started(api, namespace, case.expected, made, documents))
    if not started:
        return case.expected.way != "reject", "accepted; there is nothing to run"
    if after is not None:
        after(api, started[0], patience)
    ends = [_end(api, path, case.expected, patience) for path in started]
    return all(good for good, _ in ends), "; ".join(got for _, got in ends)


def _prepare(api: Api, namespace: str, needed: Iterable[Manifest]) -> None:
    api.ensure({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, "")
    for each in yaml.load_all(_FIXTURES.replace("$NAMESPACE", namespace)):
        api.ensure(each, namespace)
    for each in needed:
        with contextlib.suppress(Refused):  # then it is missing, and the case says so
            api.ensure(_moved(each, namespace), namespace)


def _meant(document: Manifest) -> Manifest:
    """Upstream's test programs read a file without apiVersion or kind as a Workflow."""
    return {"apiVersion": GROUP, "kind": "Workflow", **document}


def _moved(manifest: Manifest, namespace: str) -> Manifest:
    """In the case's namespace, whatever the file says, and without what a server has set."""
    moved = copy.deepcopy(manifest)
    if "namespace" in (moved.get("metadata") or {}):
        moved["metadata"]["namespace"] = namespace
    for field in ("resourceVersion", "uid", "creationTimestamp", "selfLink"):
        (moved.get("metadata") or {}).pop(field, None)  # of another server, in unit fixtures
    return moved


def _started(
    api: Api, namespace: str, expected: Expected, made: list[Manifest], documents: list[Manifest]
) -> Iterable[str]:
    """The paths of the workflows to look at; templates are submitted where they should end."""
    made_any = False
    for each in made:
        if each["kind"] == "Workflow":
            made_any = True
            yield f"{api.path(each, namespace)}/{each['metadata']['name']}"
    if expected.way != "submit" and (made_any or not expected.phases):
        return
    for each in documents:
        kind = each.get("kind")
        spec: Manifest
        if kind == "CronWorkflow":
            spec = each["spec"]["workflowSpec"]
        elif kind in ("WorkflowTemplate", "ClusterWorkflowTemplate"):
            name, cluster = each["metadata"]["name"], kind == "ClusterWorkflowTemplate"
            spec = {"workflowTemplateRef": {"name": name, "clusterScope": cluster}}
        else:
            continue
        workflow = {
            "apiVersion": GROUP,
            "kind": "Workflow",
            "metadata": {"generateName": "submitted-"},
            "spec": spec,
        }
        done = api.create(workflow, namespace)
        yield f"{api.path(workflow, namespace)}/{done['metadata']['name']}"


def _end(api: Api, path: str, expected: Expected, patience: float) -> tuple[bool, str]:
    if expected.way == "stay":
        return _stays(api, path, expected)
    status = ended(api, path, patience)
    phase = status.get("phase") or "no phase"
    if expected.said == "Completed(any)" and "(gone)" in str(status.get("message")):
        return True, "deleted, as it asks for"
    if expected.way == "reject":
        return phase in ("Failed", "Error") and "invalid" in str(status.get("message")), _said(
            status
        )
    return phase in expected.phases, _said(status)


def _stays(api: Api, path: str, expected: Expected) -> tuple[bool, str]:
    """Whether it gets to a phase; one that never ends has to be there after a while, too."""
    seen, until = False, time.monotonic() + _STAYS
    while time.monotonic() < until:
        status = api.ask("GET", path).get("status") or {}
        seen = seen or status.get("phase") in expected.phases
        if seen and "never" not in expected.said:
            break
        time.sleep(0.05)
    return seen and ("never" not in expected.said or status["phase"] == "Running"), _said(status)


def ended(api: Api, path: str, patience: float) -> Manifest:
    """The status once the workflow is over; where it is gone before that was seen (ttl 0), the last
    one; after `patience` seconds the present one."""
    until = time.monotonic() + patience
    status: Manifest = {}
    while time.monotonic() < until:
        try:
            status = api.ask("GET", path).get("status") or {}
        except Refused:
            return {**status, "message": f"{status.get('message') or ''} (gone)"}
        if status.get("phase") in _OVER:
            return status
        time.sleep(0.2)
    return status


def _said(status: Manifest) -> str:
    if status.get("phase") in ("Succeeded", "Running") and not status.get("message"):
        running = [n for n in (status.get("nodes") or {}).values() if n["phase"] not in _OVER]
        stuck = [f"{n['displayName']}: {n['phase']} {n.get('message', '')}" for n in running[:2]]
        return f"{status['phase']} {'; '.join(stuck) if status['phase'] == 'Running' else ''}"
    broken = [
        f"{node['displayName']}: {node['phase']}: {node.get('message', '')}"
        for node in (status.get("nodes") or {}).values()
        if node["phase"] in ("Failed", "Error") and node["type"] in ("Pod", "Skipped", "HTTP")
    ]
    return f"{status.get('phase')}: {status.get('message', '')} | {' | '.join(broken[:2])}"
