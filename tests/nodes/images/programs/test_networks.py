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


@pytest.mark.slow
def test_a_search_ends_in_a_genotype(laid_out: Path) -> None:
    kinds = ("separable_convolution", "max_pooling", "skip_connection")
    found = search(laid_out, *kinds, layers=2)
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


@pytest.mark.slow
def test_settings_that_are_none_or_missing_are_said(laid_out: Path) -> None:
    found = search(laid_out, "max_pooling", layers=1, num_nodes="1", num_epoch="3")
    assert "WARNING: num_epoch is no setting of this program, and changes nothing." in found.stdout
    bare = run(laid_out / "darts", "run_trial.py", "--algorithm-settings={'num_epochs': 1}")
    assert bare.returncode == 1
    assert bare.stdout.startswith("--algorithm-settings: there is no w_lr, w_lr_min, w_momentum, ")


def test_an_operation_that_is_not_known_is_said(laid_out: Path) -> None:
    found = search(laid_out, "convolution")
    assert found.returncode == 1
    last = found.stdout.splitlines()[-1]
    assert last == "the search space has an operation that is not known: convolution_3x3"


SEARCH = """
import numpy as np
from run_trial import Search, halves, tape

def search_of(**more):
    settings = dict(num_epochs=1, w_lr=0.1, w_lr_min=0.1, w_momentum=0.9, w_weight_decay=0,
                    w_grad_clip=5, alpha_lr=0.1, alpha_weight_decay=0, batch_size=256,
                    print_step=100, init_channels=2, num_nodes=1, stem_multiplier=1) | more
    return Search(settings, ["separable_convolution_3x3", "max_pooling_3x3"], 2, halves())

def values(nodes):
    return [each.value.copy() for each in nodes]

def same(before, nodes):
    return [bool((one == node.value).all()) for one, node in zip(before, nodes, strict=True)]
"""

BILEVEL = """
from paths import likelihood

search = search_of()
network = search._network
weights, alphas = network.weights, [each for kind in network.alphas.values() for each in kind]
assert len(alphas) == 2
before = values(weights), values(alphas)
half = search._valid[0][:64], search._valid[1][:64]
pair = [{False: [[(0, 0), (1, 0)]], True: [[(0, 0), (1, 0)]]},
        {False: [[(0, 1), (1, 1)]], True: [[(0, 1), (1, 0)]]}]
losses = [float(search._tried(paths, half)[1]) for paths in pair]
assert losses[0] != losses[1]

def likely(paths):
    return sum(likelihood(network.shares(kind), path) for kind, path in paths.items())

apart = likely(pair[0]) - likely(pair[1])
search._draw = iter([*pair]).__next__
search.architect(half)
assert all(same(before[0], weights)), "the weights moved with the alphas"
assert not any(same(before[1], alphas)), "alphas have no gradient"
assert (likely(pair[0]) - likely(pair[1]) > apart) == (losses[0] < losses[1])
"""

RESTING = """
search = search_of(num_epochs=4)
network = search._network
alphas = [each for kind in network.alphas.values() for each in kind]
for epoch, moves in enumerate([False, False, True, True]):
    before = values(network.weights), values(alphas)
    search.train(epoch)
    assert not all(same(before[0], network.weights))
    assert all(same(before[1], alphas)) is not moves, epoch
"""

BEST = """
search = search_of()
search.train(0)
alone, seen = search._alone, {}

def judged(genotype):
    seen[str(genotype)] = alone(genotype)
    return seen[str(genotype)]

search._alone = judged
genotype, accuracy = search.best(tried=30, trained=3)
assert len(seen) == 3
assert accuracy == max(seen.values()) == seen[str(genotype)]
"""

PATHS = """
from itertools import combinations, product
import numpy as np
from paths import drawn, likelihood, likeliest, slopes

random = np.random.default_rng(0)
logits = [random.standard_normal((2 + node, 4)) for node in range(2)]

def shares():
    powers = [np.exp(each) for each in logits]
    return [each / each.sum(axis=1, keepdims=True) for each in powers]

def of_node(edges):
    for pair in combinations(range(edges), 2):
        for places in product(range(3), repeat=2):
            yield [*zip(pair, places, strict=True)]

every = [list(path) for path in product(of_node(2), of_node(3))]
chances = np.exp([likelihood(shares(), path) for path in every])
assert len(every) == 9 * 27
np.testing.assert_allclose(chances.sum(), 1)

count = dict.fromkeys(map(str, every), 0)
for _ in range(5000):
    count[str(drawn(shares(), random))] += 1
apart = np.array([*count.values()]) - 5000 * chances
assert (apart**2 / (5000 * chances)).sum() < 1.5 * len(every), "chi squared"

path = every[100]
for node, found in zip(logits, slopes(shares(), path), strict=True):
    for at in np.ndindex(node.shape):
        ends = []
        for change in (1e-6, -1e-6):
            node[at] += change
            ends.append(likelihood(shares(), path))
            node[at] -= change
        np.testing.assert_allclose(found[at], (ends[0] - ends[1]) / 2e-6, atol=1e-6)

sure = [np.array([[0.1, 0.6, 0.1, 0.2], [0.1, 0.1, 0.1, 0.7], [0.2, 0.1, 0.7, 0.0]])]
assert likeliest(sure) == [[(2, 2), (0, 1)]]
"""


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(SEARCH + BILEVEL, id="alphas follow one half, weights the other"),
        pytest.param(SEARCH + RESTING, id="alphas rest at first"),
        pytest.param(SEARCH + BEST, id="the best are trained from nothing"),
        pytest.param(PATHS, id="paths are drawn as likely as they are said to be"),
    ],
)
def test_a_search(laid_out: Path, script: str) -> None:
    found = run(laid_out / "darts", "-c", script)
    assert found.returncode == 0, found.stdout
