"""One case: its Experiment as it is, in a namespace of its own, until it is over and restarted."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from conformance.argo.api import Api, Refused
from conformance.katib import verify
from conformance.katib.cases import Case
from conformance.katib.upstream import Upstream

Manifest = dict[str, Any]
_RESUMED = ("FromVolume", "LongRunning")
_LABELS = {"katib.kubeflow.org/metrics-collector-injection": "enabled"}
_ACCOUNT = "argo"
_PAUSE = 0.1


@dataclass(frozen=True)
class Outcome:
    """good is None where nobody could run it."""

    case: Case
    good: bool | None
    got: str

    def line(self, seconds: float) -> str:
        sign = {True: "ok  ", False: "MISS", None: "-   "}[self.good]
        return f"{sign} {self.case.path}\t{self.case.expected}\t{self.got}\t{seconds:.1f} s"


@dataclass(frozen=True)
class Runner:
    """upstream: whose scripts run the cases, with its own smaller budgets; None: this module."""

    api: Api
    patience: float
    upstream: Upstream | None = None

    def run(self, namespace: str, case: Case) -> Outcome:
        """Never raises: what goes wrong is the outcome."""
        try:
            good, got = self._run(namespace, case)
        except Refused as error:
            good, got = case.way == "refuse" and str(error).startswith("400"), f"refused: {error}"
        except Exception as error:
            good, got = False, f"{type(error).__name__}: {error}"
        return Outcome(case, good, " ".join(got.split())[:400])

    def _run(self, namespace: str, case: Case) -> tuple[bool | None, str]:
        if case.way == "none" or (case.way == "tune" and self.upstream is None):
            return None, f"not run: {case.why or 'needs --upstream'}"
        if kind := self._unserved(case):
            return None, f"not run: the kind {kind} is not served"
        self.api.ask("POST", "/api/v1/namespaces", _namespace(namespace))
        for each in _accounts(case):
            self.api.create(each, namespace)
        try:
            if case.way == "tune":
                assert self.upstream is not None
                return self.upstream.tune(namespace, case.path)
            return self._in_namespace(namespace, case)
        finally:
            self.api.ask("DELETE", f"/api/v1/namespaces/{namespace}")

    def _in_namespace(self, namespace: str, case: Case) -> tuple[bool | None, str]:
        if case.way in ("accept", "refuse"):
            for each in case.documents():
                self._create(each, namespace)
            return case.way == "accept", "accepted"
        if self.upstream is not None:
            return self.upstream.experiment(namespace, case)
        made = self._create(case.experiment, namespace)
        ended = self._until(made, "Succeeded")
        if ended["spec"]["resumePolicy"] in _RESUMED and _succeeded(ended):
            ended = self._resumed(ended)
        faults = list(self._faults(ended))
        return not faults, "; ".join(faults) or _said(ended)

    def _create(self, manifest: Manifest, namespace: str) -> Manifest:
        """In this namespace instead of the one that is written there, as upstream's runner does."""
        about = {**manifest["metadata"], "namespace": namespace}
        return self.api.create({**manifest, "metadata": about}, namespace)

    def _unserved(self, case: Case) -> str:
        """The kind of the case's trials, if this cluster has none such."""
        trial = case.trial if case.way in ("run", "tune") else None
        if trial is None:
            return ""
        try:
            self.api.path(trial, "default")
        except Refused:
            return f"{trial['kind']} of {trial['apiVersion']}"
        return ""

    def _until(self, experiment: Manifest, type: str) -> Manifest:
        """Once it has this condition or has failed; as it is when patience ends."""
        until = time.monotonic() + self.patience
        while True:
            found = self._read(experiment)
            status = found.get("status") or {}
            over = [each for each in (type, "Failed") if verify.true(status, each) is not None]
            if over or time.monotonic() > until:
                return found
            time.sleep(_PAUSE)

    def _resumed(self, experiment: Manifest) -> Manifest:
        """With one trial more, and one more at once."""
        spec = experiment["spec"]
        more = {name: spec[name] + 1 for name in ("maxTrialCount", "parallelTrialCount")}
        path = self._path(experiment)
        self.api.ask("PATCH", path, {"spec": more}, kind="merge")
        self._until(experiment, "Restarting")
        return self._until(experiment, "Succeeded")

    def _faults(self, experiment: Manifest) -> list[str]:
        """What holds a moment later holds: the Suggestion ends after its Experiment."""
        until = time.monotonic() + 5
        while True:
            suggestion = self._suggestion(experiment)
            faults = list(verify.faults(experiment, suggestion, self._exists(experiment)))
            if not faults or time.monotonic() > until:
                return faults
            time.sleep(_PAUSE)

    def _exists(self, experiment: Manifest) -> verify.Exists:
        namespace = experiment["metadata"]["namespace"]

        def exists(kind: str, name: str) -> bool:
            version, _, plural = kind.rpartition("/")
            base = f"/apis/{version}" if "/" in version else f"/api/{version}"
            return self._get(f"{base}/namespaces/{namespace}/{plural}/{name}") is not None

        return exists

    def _suggestion(self, experiment: Manifest) -> Manifest | None:
        return self._get(self._path(experiment).replace("/experiments/", "/suggestions/"))

    def _read(self, experiment: Manifest) -> Manifest:
        found: Manifest = self.api.ask("GET", self._path(experiment))
        return found

    def _path(self, experiment: Manifest) -> str:
        about = experiment["metadata"]
        return f"{self.api.path(experiment, about['namespace'])}/{about['name']}"

    def _get(self, path: str) -> Manifest | None:
        try:
            found: Manifest = self.api.ask("GET", path)
        except Refused as refused:
            if str(refused).startswith("404"):
                return None
            raise
        return found


def shortened(outcome: Outcome) -> Outcome:
    """The same with the table's words shortened, for a terminal."""
    return replace(outcome, case=replace(outcome.case, expected=outcome.case.expected[:60]))


def _namespace(name: str) -> Manifest:
    return {"metadata": {"name": name, "labels": _LABELS}}


def _accounts(case: Case) -> list[Manifest]:
    """That of upstream's namespace `argo`, where a case names it."""
    if case.way != "run" or f"serviceAccountName: {_ACCOUNT}" not in case.file.read_text():
        return []
    return [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": _ACCOUNT}}]


def _succeeded(experiment: Manifest) -> bool:
    return verify.true(experiment.get("status") or {}, "Succeeded") is not None


def _said(experiment: Manifest) -> str:
    status = experiment["status"]
    best = status["currentOptimalTrial"]
    name = experiment["spec"]["objective"]["objectiveMetricName"]
    metrics = {each["name"]: each for each in best["observation"]["metrics"]}
    counts = ", ".join(
        f"{count} {field.removeprefix('trials')}"
        for field, count in status.items()
        if field.startswith("trials") and field != "trials" and isinstance(count, int) and count
    )
    reason = verify.true(status, "Succeeded")
    given = {each["name"]: each["value"] for each in best.get("parameterAssignments") or ()}
    return f"{reason}, {counts}; best {name} {metrics.get(name)} with {given}"
