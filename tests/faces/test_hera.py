"""hera 7 as it is: a user's script against the Argo Server's API."""

from pathlib import Path

import pytest

from support import ROOT

pytestmark = pytest.mark.slow
PYTHON = ROOT / ".venvs" / "hera" / "bin" / "python"
TOUR = Path(__file__).parent / "clients" / "hera_tour.py"


def test_the_tour(sampan, namespace):
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON} is missing; `make setup` makes it")
    host, token = f"{sampan.state['gateway']}/argo/", sampan("token").strip()
    said = sampan.run([PYTHON, TOUR, host, token, namespace], timeout=100)
    assert said.splitlines()[-1] == "ok all"
