"""The programs that train networks of ENAS and search cells of DARTS, laid out as in their images
and given what the algorithms suggest."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sampan.lib.search.algorithms import darts, enas
from sampan.lib.search.problem import Architecture, Objective, Operation, Parameter, Problem
from sampan.nodes.images import standins

PROGRAMS = Path(standins.__file__).parent / "programs" / "katib"
CELLS = {"num_epochs": "1", "num_nodes": "2", "init_channels": "2", "stem_multiplier": "1"}
PAIR = r"\('(max_pooling_3x3|separable_convolution_3x3|skip_connection)',[0-3]\)"
NODES = rf"\[(\[{PAIR},{PAIR}\],?){{2}}\]"


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for each of the two images."""
    root = tmp_path_factory.mktemp("opt")
    for name in ("enas", "darts"):
        standin = standins.standin_of(f"ghcr.io/kubeflow/katib/{name}-cnn-cifar10-cpu")
        assert standin is not None
        (root / name).mkdir()
        for file, source in standin.files.items():
            if (PROGRAMS / source).is_dir():
                shutil.copytree(PROGRAMS / source, root / name / file)
            else:
                shutil.copy(PROGRAMS / source, root / name / file)
    return root


def run(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", *words], cwd=place, env={"OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100,
    )  # fmt: skip


def choice(name: str, *choices: str) -> Parameter:
    return Parameter(name=name, kind="categorical", choices=choices)


def convolution(size: str = "3", filters: str = "8", **more: str) -> Operation:
    return Operation(
        kind="convolution",
        parameters=(choice("filter_size", size), choice("num_filter", filters),
                    *(choice(name, value) for name, value in more.items())),
    )  # fmt: skip


def network(*operations: Operation, layers: int = 2, seed: int = 0) -> Mapping[str, str]:
    problem = Problem(
        name="exp", objectives=(Objective(metric="Validation-Accuracy", minimize=False),),
        seed=seed, settings={"controller_hidden_size": "4"},
        architecture=Architecture(
            layers=layers, inputs=(32, 32, 3), outputs=(10,), operations=operations
        ),
    )  # fmt: skip
    enas.check(problem)
    return enas.suggest(problem, [], 1).suggestions[0].assignments


def train(
    place: Path, assignments: Mapping[str, str], epochs: int = 1
) -> subprocess.CompletedProcess[str]:
    return run(
        place / "enas", "RunTrial.py", f"--num_epochs={epochs}",
        f"--architecture={assignments['architecture']}", f"--nn_config={assignments['nn_config']}",
    )  # fmt: skip


def accuracies(trained: subprocess.CompletedProcess[str]) -> list[float]:
    assert trained.returncode == 0, trained.stdout
    return [
        float(each) for each in re.findall(r"^Validation-Accuracy=(\S+)$", trained.stdout, re.M)
    ]


@pytest.mark.slow
def test_a_network_learns(laid_out: Path) -> None:
    trained = train(laid_out, network(convolution(), layers=2), epochs=4)
    found = accuracies(trained)
    assert len(found) == 4
    assert found[-1] > 0.6
    assert found[-1] > found[0]
    assert accuracies(train(laid_out, network(convolution(), layers=2), epochs=4)) == found
    for name in ("Training-Accuracy", "Training-Loss", "Validation-Loss"):
        assert len(re.findall(rf"^{name}=", trained.stdout, re.M)) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "operation",
    [
        convolution(stride="2"),
        Operation(kind="separable_convolution", parameters=(
            choice("filter_size", "5"), choice("num_filter", "8"), choice("depth_multiplier", "2"),
        )),
        Operation(kind="depthwise_convolution", parameters=(
            choice("filter_size", "7"), choice("stride", "2"), choice("depth_multiplier", "2"),
        )),
        Operation(kind="reduction", parameters=(
            choice("reduction_type", "avg_pooling"),
            Parameter(name="pool_size", kind="int", min=2, max=3, step=1),
        )),
    ],
    ids=lambda operation: operation.kind,
)  # fmt: skip
def test_every_operation_of_upstreams_example_is_one(laid_out: Path, operation: Operation) -> None:
    assert accuracies(train(laid_out, network(operation, layers=3)))


def test_parameters_of_operations_are_obeyed(laid_out: Path) -> None:
    found = {
        str(accuracies(train(laid_out, network(each, layers=1))))
        for each in (convolution(), convolution(size="5"), convolution(filters="4"))
    }
    assert len(found) == 3


def test_a_picture_that_is_too_small_is_not_reduced(laid_out: Path) -> None:
    pool = Operation(kind="reduction", parameters=(choice("pool_size", "3"),))
    trained = train(laid_out, network(pool, layers=3))
    assert "WARNING: a reduction of 2 rows by 3 is left out." in trained.stdout
    assert accuracies(trained)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{'output_sizes': [10], 'embedding': {'0': {'opt_type': 'lstm'}}}",
         "nn_config: there is no operation of the type lstm"),
        ("{'output_sizes': [3], 'embedding': {}}",
         "nn_config: output_sizes must end in 10 at least"),
        ("nonsense",
         "--nn_config: 'nonsense' is no JSON: Expecting value: line 1 column 1 (char 0)"),
    ],
)  # fmt: skip
def test_what_is_no_network_is_said(laid_out: Path, config: str, said: str) -> None:
    ended = train(laid_out, {"architecture": "[[0]]", "nn_config": config})
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[-1] == said


def search(
    place: Path, *kinds: str, layers: int = 3, **more: str
) -> subprocess.CompletedProcess[str]:
    operations = tuple(
        Operation(kind=kind, parameters=() if kind == "skip_connection" else (choice("size", "3"),))
        for kind in kinds
    )
    problem = Problem(
        name="exp", settings={**CELLS, **more},
        architecture=Architecture(layers=layers, operations=operations),
    )  # fmt: skip
    darts.check(problem)
    told = darts.suggest(problem, [], 1).suggestions[0].assignments
    words = [f"--{name}={value}" for name, value in told.items()]
    return run(place / "darts", "run_trial.py", *words)


def test_a_search_ends_in_a_genotype(laid_out: Path) -> None:
    kinds = ("separable_convolution", "max_pooling", "skip_connection")
    found = search(laid_out, *kinds, batch_size="None")
    assert found.returncode == 0, found.stdout
    line = found.stdout.splitlines()[-1]
    concat = r"range\(2,4\)"
    assert re.fullmatch(
        rf"Best-Genotype=Genotype\(normal={NODES},normal_concat={concat},"
        rf"reduce={NODES},reduce_concat={concat}\)", line,
    ), line  # fmt: skip
    assert re.search(r"^Valid: \[ 1/1\] Final Prec@1 \d+\.\d{4}%$", found.stdout, re.M)


def test_upstreams_example_of_one_layer_has_no_cell_that_reduces(laid_out: Path) -> None:
    found = search(laid_out, "max_pooling", layers=1, num_nodes="1", init_channels="1")
    assert found.stdout.splitlines()[-1] == (
        "Best-Genotype=Genotype(normal=[[('max_pooling_3x3',0),('max_pooling_3x3',1)]],"
        "normal_concat=range(2,3),reduce=[],reduce_concat=range(2,3))"
    ) or found.stdout.splitlines()[-1] == (
        "Best-Genotype=Genotype(normal=[[('max_pooling_3x3',1),('max_pooling_3x3',0)]],"
        "normal_concat=range(2,3),reduce=[],reduce_concat=range(2,3))"
    )


def test_an_operation_that_is_not_known_is_said(laid_out: Path) -> None:
    found = search(laid_out, "convolution")
    assert found.returncode == 1
    last = found.stdout.splitlines()[-1]
    assert last == "the search space has an operation that is not known: convolution_3x3"


BILEVEL = """
import numpy as np
from run_trial import Search, halves, tape

names = ["separable_convolution_3x3", "max_pooling_3x3"]
settings = dict(num_epochs=1, w_lr=0.1, w_lr_min=0.1, w_momentum=0.9, w_weight_decay=0,
                w_grad_clip=5, alpha_lr=0.1, alpha_weight_decay=0, batch_size=64, print_step=100,
                init_channels=2, num_nodes=1, stem_multiplier=1)
search = Search(settings, names, 2, halves())
weights = search._network.weights
alphas = [each for kind in search._network.alphas.values() for each in kind]

def values(nodes):
    return [each.value.copy() for each in nodes]

def same(before, nodes):
    return [bool((one == node.value).all()) for one, node in zip(before, nodes, strict=True)]

before = values(weights), values(alphas)
half = search._valid[0][:64], search._valid[1][:64]
search.architect(half)
assert all(same(before[0], weights)), "the weights moved with the alphas"
assert not any(same(before[1], alphas)), "alphas have no gradient"
assert len(alphas) == 2

def loss():
    return float(tape.cross_entropy(search._network(*half[:1], training=True), half[1]).value)

search._alpha_rate = 0.0
search.architect(half)
for node in alphas:
    slope = node.slope
    for at in np.ndindex(node.value.shape):
        ends = []
        for change in (0.05, -0.05):
            node.value[at] += np.float32(change)
            ends.append(loss())
            node.value[at] -= np.float32(change)
        np.testing.assert_allclose(slope[at], (ends[0] - ends[1]) / 0.1, rtol=0.05, atol=1e-3)

before = values(weights), values(alphas)
search.train(0)
assert not any(same(before[0], weights))
assert all(same(before[1], alphas)), "alphas follow the loss of the weights' half"
"""


def test_alphas_follow_one_half_and_weights_the_other(laid_out: Path) -> None:
    found = run(laid_out / "darts", "-c", BILEVEL)
    assert found.returncode == 0, found.stdout
