"""Cases: a pipeline of upstream's and what should become of it, from `cases.tsv`.

A row says in words what to expect ("FAILED (asserted upstream); exit task runs"); here that becomes
an `Expected`. Arguments that a pipeline wants and the row does not name get the values that the
table's outputs were found with.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sampan.lib import yaml

Way = Literal["run", "refuse", "accept", "v1", "none"]
RUNNABLE = ("offline", "offline-k8s", "invalid", "argo-v1")
_SAMPLES = {
    "STRING": "abc", "NUMBER_INTEGER": 7, "NUMBER_DOUBLE": 1.5, "BOOLEAN": True,
    "LIST": ["x1", "x2"], "STRUCT": {"A": "1", "B": "2"},
}  # fmt: skip
_ARGUMENTS: dict[str, dict[str, Any]] = {
    "env-var.yaml": {"env_var": "http_proxy"},
    "pvc-mount.yaml": {"pvc_name": "corpus"},
    "local_execution_pipeline_with_ignore_upstream_failure.yaml": {"marker_path": "/tmp/marker"},
}
_CORRECTED = {
    "create_pod_metadata_complex.yaml": "FAILED: it wants an empty variable that nobody sets",
}
"""Rows that say something else than what the program of the case does anywhere."""


@dataclass(frozen=True)
class Expected:
    """states: any of these is right. output: what one task's or the run's output has to be."""

    way: Way
    states: tuple[str, ...] = ()
    output: Any = None
    said: str = ""


@dataclass(frozen=True)
class Case:
    path: str
    file: Path
    kind: str
    expected: Expected

    @property
    def text(self) -> str:
        return self.file.read_text()

    def documents(self) -> dict[str, Any]:
        """As a request for a run has them."""
        found = list(yaml.load_all(self.text))
        if "pipeline_spec" in found[0]:
            return dict(found[0])
        platform = {"platform_spec": found[1]} if len(found) > 1 else {}
        return {"pipeline_spec": found[0], **platform}

    def arguments(self) -> dict[str, Any]:
        """For the parameters that need one."""
        root = self.documents()["pipeline_spec"].get("root") or {}
        wanted = (root.get("inputDefinitions") or {}).get("parameters") or {}
        given = {
            name: (each.get("literals") or [_SAMPLES.get(each.get("parameterType"), "abc")])[0]
            for name, each in wanted.items()
            if "defaultValue" not in each and not each.get("isOptional")
        }
        return given | _ARGUMENTS.get(self.file.name, {})


def listed(corpus: Path) -> Iterator[Case]:
    with (corpus / "cases.tsv").open(newline="") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            file = corpus / row["path"]
            if file.is_file():
                yield Case(row["path"], file, row["class"], _expected(row))


def _expected(row: dict[str, str]) -> Expected:
    said = _CORRECTED.get(row["path"].rpartition("/")[2], row["expected_outcome"])
    if row["class"] == "invalid":
        return Expected("refuse", said=said)
    if row["class"] == "argo-v1":  # among them components and unit fixtures, which no upload takes
        return Expected("v1", ("kind: Workflow",), said=said)
    if said.startswith(("compile", "n/a", "run would FAIL")):
        return Expected("accept", said=said)
    if "without proxy" in said:
        return Expected("run", ("FAILED",), said=said)
    first = said.removeprefix("run ").split()[0].rstrip(";:")
    if first not in ("SUCCEEDED", "FAILED"):
        return Expected("none", said=said)
    return Expected("run", (first,), _output(row["expected_outputs"]), said)


def _output(said: str) -> Any:
    """A JSON object of outputs, where the column has one."""
    try:
        found = json.loads(said)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
