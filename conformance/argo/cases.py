"""Cases: a file of upstream's and what should become of it, from `cases.tsv` or from a checkout.

A row says in words what to expect ("Failed|Error", "n/a (CronWorkflow)", "rejected(lint)"); here
that becomes an `Expected`. What a file refers to and does not bring (templates, mostly) is looked
for in all other files, the nearest first.
"""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from sampan.lib import yaml

Manifest = dict[str, Any]
GROUP = "argoproj.io/v1alpha1"
_PHASES = ("Succeeded", "Failed", "Error", "Running", "Pending")
_NO_TEST = "workflows.argoproj.io/no-test"
_CORRECTED = {
    "examples/k8s-jobs.yaml": "rejected: it has no name",
    "test/e2e/expectedfailures/dag-failFast-hang.yaml": "rejected: no name in capitals",
    "test/e2e/expectedfailures/failed-artifact-save.yaml": "Error: what cannot be saved is one",
    "test/e2e/expectedfailures/unschedulable.yaml": "Running: nothing bounds how long it waits",
    "test/e2e/testdata/malformed/malformed-clusterworkflowtemplate.yaml": "rejected: as its test",
    "test/e2e/testdata/malformed/malformed-workflowtemplate.yaml": "rejected: as its test says",
}
"""Rows that say something else than upstream's tests and rules, which nobody had run."""


@dataclass(frozen=True)
class Expected:
    """phases: any of these is right. way: `run` waits for the end, `reject` for a refusal or a
    workflow that says `invalid spec`, `accept` only for the objects to be taken, `stay` for a
    workflow that is still in that phase after a while, `submit` runs what a template says."""

    way: str
    phases: tuple[str, ...]
    said: str


@dataclass(frozen=True)
class Case:
    path: str
    text: str
    expected: Expected
    runnable: bool = True
    needs: str = ""
    note: str = ""

    @property
    def documents(self) -> list[Manifest]:
        """Raises yaml.YamlError."""
        return [each for each in yaml.load_all(self.text) if isinstance(each, dict)]


def expectation(said: str, kind: str = "Workflow") -> Expected:
    """From the words of a row."""
    words = said.partition("; test ends ")
    phases = tuple(phase for phase in _PHASES if phase in (words[2] or words[0]))
    if said.startswith("rejected"):
        return Expected("reject", (), said)
    if words[2] and phases:
        return Expected("submit", phases, said)
    if said.startswith("Cron children") and "Succeeded" in said:
        return Expected("submit", ("Succeeded",), said)
    if said.startswith(("n/a", "unit fixture", "Cron")):
        return Expected("accept", (), said)
    if said.startswith("Completed"):
        return Expected("run", ("Succeeded", "Failed", "Error"), said)
    if " then " in said:  # what is done in between is one of the `deeds`
        return Expected("run", ("Succeeded",), said)
    if said.startswith(("Running", "Pending")):
        return Expected("stay", phases, said)
    if " if " in said:
        return Expected("run", phases[:1], said)
    return Expected("run", phases, said)


def listed(corpus: Path) -> Iterator[Case]:
    """The rows of `cases.tsv` whose file is there."""
    with (corpus / "cases.tsv").open() as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            path = corpus / row["path"]
            if path.is_file():
                yield Case(
                    row["path"],
                    path.read_text(),
                    expectation(_CORRECTED.get(row["path"], row["expected_phase"])),
                    row["runnable"] == "yes",
                    row["needs"],
                    row["note"],
                )


def examples(repository: Path) -> Iterator[Case]:
    """Every example of a checkout or mirror that upstream's own CI runs and sees succeed."""
    for path, text in files(repository, "examples"):
        try:
            case = Case(path, text, Expected("run", ("Succeeded",), "Succeeded"))
            documents = case.documents
        except yaml.YamlError:
            continue
        runs = [each for each in documents if each.get("kind") == "Workflow"]
        labels = [(each.get("metadata") or {}).get("labels") or {} for each in runs]
        if runs and not any(_NO_TEST in each for each in labels):
            yield case


def files(repository: Path, folder: str) -> Iterator[tuple[str, str]]:
    """(path, text) of the YAML files of a git directory's HEAD, without a work tree."""
    git = ["git", "-C", str(repository)]
    listing = [*git, "ls-tree", "-r", "--name-only", "HEAD", folder]
    names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    for name in names.split("\n"):
        if name.endswith((".yaml", ".yml")):
            shown = subprocess.run([*git, "show", f"HEAD:{name}"], capture_output=True, text=True)
            if shown.returncode == 0:
                yield name, shown.stdout


@dataclass
class Library:
    """Objects that cases may refer to, by kind and name; of several, the nearest file's."""

    found: dict[tuple[str, str], list[tuple[str, Manifest]]] = field(default_factory=dict)

    def add(self, path: str, text: str) -> None:
        try:
            documents = yaml.load_all(text)
        except yaml.YamlError:
            return
        for each in documents:
            if isinstance(each, dict) and each.get("kind") in _REFERRED:
                name = (each.get("metadata") or {}).get("name")
                if name:
                    self.found.setdefault((each["kind"], name), []).append((path, each))

    def needed(self, case: str, documents: Iterable[Manifest]) -> list[Manifest]:
        """What these documents refer to, and what that refers to, that they do not bring."""
        own = {(each.get("kind"), (each.get("metadata") or {}).get("name")) for each in documents}
        result: dict[tuple[str, str], Manifest] = {}
        queue = list(documents)
        while queue:
            for key in referred(queue.pop()):
                if key in own or key in result or key not in self.found:
                    continue
                result[key] = self._nearest(case, self.found[key])
                queue.append(result[key])
        return list(result.values())

    def _nearest(self, case: str, found: list[tuple[str, Manifest]]) -> Manifest:
        parts = PurePosixPath(case).parts

        def shared(path: str) -> int:
            pairs = zip(parts, PurePosixPath(path).parts, strict=False)
            return sum(1 for one, other in pairs if one == other)

        return max(found, key=lambda each: shared(each[0]))[1]


_REFERRED = ("WorkflowTemplate", "ClusterWorkflowTemplate")


def referred(value: Any) -> Iterator[tuple[str, str]]:
    """The templates that a manifest names, also in manifests that are texts in it."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key in ("templateRef", "workflowTemplateRef") and isinstance(each, Mapping):
                kind = _REFERRED[bool(each.get("clusterScope"))]
                yield kind, str(each.get("name"))
            yield from referred(each)
        if value.get("name") == "workflowtemplate":  # a parameter that a reference is made of
            yield "WorkflowTemplate", str(value.get("value"))
    elif isinstance(value, list):
        for each in value:
            yield from referred(each)
    elif isinstance(value, str):
        yield "WorkflowTemplate", value  # a parameter may name one for a manifest that is a text
        for match in re.finditer(r"emplateRef:\s*\n\s*name:\s*(\S+)", value):
            yield "WorkflowTemplate", match[1]
