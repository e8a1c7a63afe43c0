"""Cases: an Experiment of upstream's and what should become of it, from `cases.tsv`.

The table says in words what runs and what is refused; here that becomes a `Way`. Rows without a
file in the corpus are notebooks and scripts; what upstream's own scripts run needs `--upstream`.
Examples that no row is about are to succeed.
"""

from __future__ import annotations

import csv
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from sampan.lib import yaml

Manifest = dict[str, Any]
Way = Literal["run", "accept", "refuse", "tune", "none"]
"""run: to its end, by verify's rules. accept, refuse: what the API server says. tune: upstream's
function of this row. none: nobody can, `why` says so."""

_REFUSED = ("rejected", "webhook rejects", "at HEAD the webhook rejects")
_SEEDS = "seeds/katib-*.yaml"
_EXAMPLES = "examples/v1beta1"
TUNE = "run-e2e-tune-api.py"
_BUDGETS = {
    "simple-pbt.yaml": {"maxTrialCount": 2, "parallelTrialCount": 1, "maxFailedTrialCount": 0},
}
"""Upstream's runner gives all examples these. One does not get through upstream's own validation
without them."""


@dataclass(frozen=True)
class Case:
    """path: as the table has it. expected: its words. why: of those that cannot run."""

    path: str
    file: Path
    way: Way
    expected: str
    why: str = ""

    def documents(self) -> list[Manifest]:
        return [each for each in yaml.load_all(self.file.read_text()) if each]

    @property
    def experiment(self) -> Manifest:
        found = next(each for each in self.documents() if each.get("kind") == "Experiment")
        return {**found, "spec": {**found["spec"], **_BUDGETS.get(self.file.name, {})}}

    @property
    def trial(self) -> Manifest | None:
        """What its trials are made from, where that is written in the case."""
        if self.way == "run":
            found: Manifest | None = self.experiment["spec"]["trialTemplate"].get("trialSpec")
            return found
        made_by_sdk = {"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob"}
        return made_by_sdk if self.path.endswith("pytorchjob") else None


def listed(corpus: Path) -> Iterator[Case]:
    with (corpus / "cases.tsv").open(newline="") as table:
        for row in csv.DictReader(table, delimiter="\t"):
            yield _case(corpus, row)


def unlisted(corpus: Path, repository: Path, work: Path) -> Iterator[Case]:
    """The examples of a git directory that the table does not have; `work` is for their files."""
    with (corpus / "cases.tsv").open(newline="") as table:
        known = {row["path"] for row in csv.DictReader(table, delimiter="\t")}
    command = ["git", "-C", repository, "archive", "HEAD", _EXAMPLES]
    found = subprocess.run(command, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(found)) as archive:
        archive.extractall(work, filter="data")
    for file in sorted((work / _EXAMPLES).rglob("*.yaml")):
        path = str(file.relative_to(work))
        if path not in known and "kind: Experiment" in file.read_text():
            yield Case(path, file, "run", "it succeeds; no row of the table")


def _case(corpus: Path, row: dict[str, str]) -> Case:
    path, said, runnable = row["path"], row["expected result"], _column(row, "runnable")
    file = corpus / path
    if path.startswith("seed"):
        file = next((corpus.parents[1]).glob(_SEEDS), file)
    if file.is_file():
        return Case(path, file, _way(file, said, runnable), said, runnable)
    if TUNE in path:
        way: Way = "none" if runnable.startswith("no") else "tune"
        return Case(path, file, way, said, runnable)
    return Case(path, file, "none", said, f"no manifest in the corpus; {runnable}")


def _way(file: Path, said: str, runnable: str) -> Way:
    if said.startswith(_REFUSED):
        return "refuse"
    if not runnable.startswith("yes"):
        return "none"
    if said.startswith("accepted") or "kind: Experiment" not in file.read_text():
        return "accept"
    return "run"


def _column(row: dict[str, str], beginning: str) -> str:
    return next(value for name, value in row.items() if name.startswith(beginning))
