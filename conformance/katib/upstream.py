"""Upstream's own end-to-end scripts, unmodified, from its repository: they use its SDK and have
budgets of their own (two or three trials).

    run-e2e-experiment.py   with verify.py: one file of the corpus
    run-e2e-tune-api.py     `KatibClient.tune`, one function for each row of the table
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance.katib.cases import Case

PYTHON = Path(__file__).parents[2] / ".venvs" / "katib" / "bin" / "python"
_AT = "test/e2e/v1beta1/scripts/gh-actions"
_SCRIPTS = ("run-e2e-experiment.py", "verify.py", "run-e2e-tune-api.py")
_FUNCTIONS = {
    "tune-example-pytorchjob": "run_e2e_experiment_create_by_tune_pytorchjob",
    "tune-example": "run_e2e_experiment_create_by_tune",
}
_TUNE = """
import runpy, sys
from kubeflow.katib import KatibClient
script, function, name, namespace = sys.argv[1:]
runpy.run_path(script)[function](KatibClient(), name, namespace)
"""


@dataclass(frozen=True)
class Upstream:
    """scripts: where they lie. home: of the Sampan that they run against."""

    scripts: Path
    home: Path
    patience: float

    def experiment(self, namespace: str, case: Case) -> tuple[bool, str]:
        script = self.scripts / "run-e2e-experiment.py"
        return self._done(script, "--experiment-path", case.file, "--namespace", namespace)

    def tune(self, namespace: str, row: str) -> tuple[bool, str]:
        name = next((each for each in _FUNCTIONS if row.endswith(each)), "")
        if not name:
            return False, f"no function for {row}"
        script = self.scripts / "run-e2e-tune-api.py"
        words = ("-c", _TUNE, script, _FUNCTIONS[name], name, namespace)
        return self._done(*words)

    def _done(self, *words: str | Path) -> tuple[bool, str]:
        where = {"KUBECONFIG": str(self.home / "kubeconfig"), "PYTHONPATH": str(self.scripts)}
        done = subprocess.run(
            [PYTHON, *words], env={**os.environ, **where}, text=True, check=False,
            capture_output=True, timeout=self.patience,
        )  # fmt: skip
        said = [each for each in (done.stdout + done.stderr).splitlines() if each.strip()]
        return done.returncode == 0, said[-1] if done.returncode and said else "verified"


@contextmanager
def scripts(repository: Path) -> Iterator[Path]:
    """A directory with the scripts, out of a git directory of upstream's."""
    with tempfile.TemporaryDirectory(prefix="sampan-katib-e2e-") as place:
        for name in _SCRIPTS:
            shown = ["git", "-C", repository, "show", f"HEAD:{_AT}/{name}"]
            text = subprocess.run(shown, check=True, capture_output=True).stdout
            Path(place, name).write_bytes(text)
        yield Path(place)
