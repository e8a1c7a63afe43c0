"""`python -m conformance [SUITE…] [--mirrors DIR] [--logs DIR]`: run them and print the table."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from conformance import environments, report, sources
from conformance.cluster import NGINX, cluster, registry
from conformance.suites import SUITES, Checkout, Sdist, Suite
from sampan.lib import yaml

_HERE = Path(__file__).parent
_ENVIRONMENTS = _HERE.parent / ".venvs" / "conformance"
_CASE_SECONDS = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}")
    parser.add_argument("--mirrors", type=Path, help="where repositories are, instead of GitHub")
    parser.add_argument("--logs", type=Path, help="keep what the suites print here")
    args = parser.parse_args()
    if unknown := set(args.suites) - set(SUITES):
        parser.error(f"there is no suite {', '.join(sorted(unknown))}")
    outcomes = {}
    with tempfile.TemporaryDirectory(prefix="sampan-suites-") as work, registry(*NGINX) as images:
        logs = args.logs or Path(work)
        logs.mkdir(parents=True, exist_ok=True)
        for name in args.suites or SUITES:
            print(f"{name} …", file=sys.stderr, flush=True)
            place = _prepared(name, SUITES[name], args.mirrors, Path(work))
            with cluster(Path(work) / f"home-{name}", images) as kubeconfig:
                outcomes[name] = _run(name, SUITES[name], place, kubeconfig, logs)
    print(report.table(outcomes))
    return 0 if all(outcome.good for outcome in outcomes.values()) else 1


def _prepared(name: str, suite: Suite, mirrors: Path | None, work: Path) -> Path:
    """The directory to run pytest in."""
    environment = environments.made(_ENVIRONMENTS, name, suite)
    inside = environments.packages(environment)
    folder = work / name
    folder.mkdir()
    if isinstance(suite.source, Sdist):
        sources.lay_sdist(suite.source, environment / "bin" / "python", folder)
    elif isinstance(suite.source, Checkout):
        sources.lay_checkout(suite.source, mirrors, inside if suite.source.inside else folder)
        return inside if suite.source.inside else folder
    return folder


def _run(name: str, suite: Suite, place: Path, kubeconfig: Path, logs: Path) -> report.Outcome:
    results = (logs / f"{name}.xml").absolute()
    results.unlink(missing_ok=True)
    home = kubeconfig.parent / "user"  # what clients keep in ~ is fresh as well
    home.mkdir()
    surroundings = {
        **os.environ,
        "HOME": str(home),
        "KUBECONFIG": str(kubeconfig),
        "TEST_KUBECONFIG": str(kubeconfig),
        **_pipelines(kubeconfig.parent),
        "TEST_KUBECTL": shutil.which("kubectl") or "kubectl",
    }
    own = [] if isinstance(suite.source, Sdist) else ["-c", str(_HERE / "pytest.ini")]
    python = _ENVIRONMENTS / name / "bin" / "python"
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={results}"]
    with (logs / f"{name}.log").open("w") as log:
        subprocess.run(
            [*command, "--timeout", str(_CASE_SECONDS), *own, *suite.arguments],
            cwd=place, env=surroundings, stdout=log, stderr=log, check=False,
        )  # fmt: skip
    return report.read(results, suite.hopeless)


def _pipelines(home: Path) -> dict[str, str]:
    """Where the tests of kfp.Client look for the server, and who they are."""
    gateway = json.loads((home / "state.json").read_text())["gateway"]
    user = yaml.load((home / "kubeconfig").read_text())["users"][0]["user"]
    return {
        "apiUrl": f"{gateway}/pipeline", "namespace": "kubeflow", "authToken": user["token"],
        "PYTHONPATH": f"{_HERE / 'shims'}:.",
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
