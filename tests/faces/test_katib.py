"""Katib's SDK, and Kubeflow's own, as they are, against `sampan up`."""

from pathlib import Path

import pytest

from support import ROOT

pytestmark = pytest.mark.slow
PLACE = ROOT / ".venvs" / "katib"
PYTHON = PLACE / "bin" / "python"
CLIENTS = Path(__file__).parent / "clients"
NAMESPACE = "kubeflow-user-example-com"


@pytest.fixture
def tour(own_sampan):
    """Runs a program of a client's."""
    if not PYTHON.exists():
        pytest.skip(f"{PYTHON} is missing; `make setup` makes it")
    own_sampan.home.mkdir(mode=0o700)
    images = f"images:\n- match: katib-sdk\n  python: {PLACE}\n"
    (own_sampan.home / "config.yaml").write_text(images)
    own_sampan.up()

    def run(name):
        said = own_sampan.run([PYTHON, CLIENTS / name, NAMESPACE], timeout=110)
        assert said.splitlines()[-1] == "ok all"

    return run


def test_optimizer(tour):
    tour("optimizer_tour.py")


def test_metrics(tour, own_sampan):
    said = own_sampan("env").splitlines()
    pairs = (line.removeprefix("export ").split("=", 1) for line in said)
    own_sampan.environment |= {name: value.strip("'") for name, value in pairs}
    tour("metrics_tour.py")
