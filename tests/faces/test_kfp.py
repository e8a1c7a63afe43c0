"""The SDK of Kubeflow Pipelines as it is: each method of its client, against `sampan up`."""

from pathlib import Path

import pytest

from support import ROOT

pytestmark = pytest.mark.slow
PYTHON = ROOT / ".venvs" / "kfp" / "bin" / "python"
TOUR = Path(__file__).parent / "clients" / "kfp_tour.py"


def test_the_tour(own_sampan, tmp_path):
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON} is missing; `make setup` makes it")
    own_sampan.up()
    host, token = f"{own_sampan.state['gateway']}/pipeline", own_sampan("token").strip()
    said = own_sampan.run([PYTHON, TOUR, host, token, tmp_path], timeout=100)
    assert said.splitlines()[-1] == "ok all"
