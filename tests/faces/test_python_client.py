"""Unmodified `kubernetes` clients, each in an environment of its own."""

from pathlib import Path

import pytest

from support import ROOT

pytestmark = pytest.mark.slow
TOUR = Path(__file__).parent / "clients" / "tour.py"


@pytest.mark.parametrize("version", ["37", "30"])
def test_the_tour(sampan, version):
    python = ROOT / ".venvs" / f"client-{version}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python} is missing; `make setup` makes it")
    said = sampan.run([python, TOUR, sampan.kubeconfig, f"tour-{version}"], timeout=100)
    assert said.splitlines()[-1] == "ok all"
