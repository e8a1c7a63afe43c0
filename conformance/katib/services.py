"""`python -m conformance.katib.services DIR`: upstream's unit tests of its services for suggestions
and early stopping, unmodified, asking ours; DIR is a git directory of kubeflow/katib.

The tests make a servicer in their own process and call it through `grpc_testing`. Here the
servicers are empty, and a module of that name sends the same requests to `sampan up`; a function
that one of them calls does so, too. What is another thing here is left out, and named with the
reason. The exit status is 0 when all others pass.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from benchmarks.program import SAMPAN, program

from conformance.katib.upstream import PYTHON

_SHIMS = Path(__file__).parents[1] / "shims"
_TESTS = "test/unit/v1beta1"
_TAKEN = (
    f"{_TESTS}/suggestion",
    f"{_TESTS}/earlystopping",
    "pkg/apis/manager/v1beta1/python",
    "pkg/suggestion/v1beta1/internal",
)
_EMPTY = "class {}:\n    pass\n"
_CHECKED = """
from grpc_testing import server_from_dictionary
from pkg.apis.manager.v1beta1.python import api_pb2

_METHOD = api_pb2.DESCRIPTOR.services_by_name["Suggestion"].methods_by_name


def validate_algorithm_settings(settings):
    network = api_pb2.NasConfig(graph_config=api_pb2.GraphConfig(num_layers=1))
    network.operations.operation.add(operation_type="skip_connection")
    algorithm = api_pb2.AlgorithmSpec(algorithm_name="darts", algorithm_settings=settings)
    spec = api_pb2.ExperimentSpec(algorithm=algorithm, nas_config=network)
    request = api_pb2.ValidateAlgorithmSettingsRequest(
        experiment=api_pb2.Experiment(name="e", spec=spec)
    )
    method = _METHOD["ValidateAlgorithmSettings"]
    called = server_from_dictionary({}, None).invoke_unary_unary(method, {}, request, 1)
    details = called.termination()[3]
    return not details, details
"""
_MODULES: Mapping[str, str] = {
    "pkg/suggestion/v1beta1/hyperopt/service.py": _EMPTY.format("HyperoptService"),
    "pkg/suggestion/v1beta1/optuna/service.py": _EMPTY.format("OptunaService"),
    "pkg/suggestion/v1beta1/optuna/base_service.py": _EMPTY.format("BaseOptunaService"),
    "pkg/suggestion/v1beta1/skopt/service.py": _EMPTY.format("SkoptService"),
    "pkg/suggestion/v1beta1/hyperband/service.py": _EMPTY.format("HyperbandService"),
    "pkg/suggestion/v1beta1/nas/enas/service.py": _EMPTY.format("EnasService"),
    "pkg/suggestion/v1beta1/nas/darts/service.py": _EMPTY.format("DartsService") + _CHECKED,
    "pkg/suggestion/v1beta1/nas/common/validation.py": "validate_operations = None\n",
    "pkg/earlystopping/v1beta1/medianstop/service.py": (
        _EMPTY.format("MedianStopService")
        + "class config:\n    @staticmethod\n    def load_kube_config():\n        pass\n"
    ),
    "numpy.py": "",  # of a function that no test calls
}
"""Instead of upstream's."""
_LEFT_OUT = {
    "tpe-algorithm_settings1-100": "settings of Optuna, which Katib has for tpe only if it is told",
    "TestNasCommon": "the operations that it calls valid have a minimum above the maximum",
    "TestOptunaUnsupportedDistribution": "normal distributions are drawn here, and refused there",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m conformance.katib.services")
    parser.add_argument("repository", type=Path, metavar="DIR")
    with tempfile.TemporaryDirectory(prefix="sampan-katib-services-") as work:
        tree, home = Path(work) / "tree", Path(work) / "home"
        _take(parser.parse_args().repository, tree)
        home.mkdir(mode=0o700)
        for name, reason in _LEFT_OUT.items():
            print(f"left out: {name}: {reason}", flush=True)
        with program(home):
            places = [tree / _TESTS / each for each in ("suggestion", "earlystopping")]
            return max(_passed(each, tree, _variables(home)) for each in places)


def _take(repository: Path, tree: Path) -> None:
    command = ["git", "-C", repository, "archive", "HEAD", *_TAKEN]
    found = subprocess.run(command, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(found)) as archive:
        archive.extractall(tree, filter="data")
    for path, text in _MODULES.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)


def _variables(home: Path) -> dict[str, str]:
    """What leads programs to Katib's names."""
    command = [*SAMPAN, "env", "--home", home]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = (line.removeprefix("export ").split("=", 1) for line in said.splitlines())
    return {name: value.strip("'") for name, value in pairs}


def _passed(place: Path, tree: Path, variables: Mapping[str, str]) -> int:
    """pytest's exit status. Modules named `utils` of two directories cannot be in one run."""
    paths = (tree, _SHIMS, tree / "pkg/apis/manager/v1beta1/python")
    left_out = " or ".join(_LEFT_OUT)
    return subprocess.run(
        [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", f"not ({left_out})"],
        cwd=place,
        env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
