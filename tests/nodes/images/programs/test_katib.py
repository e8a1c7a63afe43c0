"""The programs that stand for those of Katib's examples, run as their pods run them."""

from __future__ import annotations

import json
import re
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampan.lib.search.problem import Objective, Problem, Trial
from sampan.lib.search.stopping import medianstop
from sampan.nodes.images import standins

PROGRAMS = Path(standins.__file__).parent / "programs" / "katib"
METRIC = re.compile(r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)")
"""The default filter of upstream's collector of metrics."""
TESTED = re.compile(r"{metricName: ([\w|-]+), metricValue: ((-?\d+)(\.\d+)?)}")
"""The filter of upstream's example of a collector that reads a file."""
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (INFO|DEBUG) +")


def start(program: str, *words: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(PROGRAMS / program), *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={"OPENBLAS_NUM_THREADS": "1", **more},
    )  # fmt: skip


def output(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


def run(program: str, *words: str) -> str:
    return output(start(program, *words))


def metrics(said: str, name: str) -> list[float]:
    """As the collector reads them: a line that begins with a time."""
    found = []
    for line in filter(None, said.splitlines()):
        assert STAMP.match(line), line
        found += [float(value) for key, value, *_ in METRIC.findall(line) if key == name]
    return found


def mxnet(*words: str) -> float:
    said = run("mxnet_mnist.py", "--num-epochs=3", *words)
    accuracies = metrics(said, "Validation-accuracy")
    assert len(accuracies) == len(metrics(said, "Train-accuracy")) == 3
    return accuracies[-1]


def test_mxnet_depends_on_all_that_the_example_changes() -> None:
    base = mxnet("--lr=0.02", "--num-layers=3", "--optimizer=sgd", "--batch-size=64")
    assert 0.8 < base < 0.99
    others = [
        mxnet("--lr=0.0001", "--num-layers=3", "--optimizer=sgd", "--batch-size=64"),
        mxnet("--lr=0.02", "--num-layers=1", "--optimizer=sgd", "--batch-size=64"),
        mxnet("--lr=0.02", "--num-layers=3", "--optimizer=ftrl", "--batch-size=64"),
        mxnet("--lr=0.02", "--num-layers=3", "--optimizer=sgd", "--batch-size=512"),
    ]
    assert all(other < base for other in others), (base, others)
    assert mxnet("--lr=0.02", "--optimizer=adam") > 0.85
    assert mxnet("--lr=0.02", "--optimizer=nag") > 0.8


def test_mxnet_is_the_same_again() -> None:
    assert mxnet("--lr=0.01") == mxnet("--lr=0.01")


def test_mxnet_slows_down_at_the_epochs_that_are_named() -> None:
    assert mxnet("--lr-step-epochs=1,2", "--lr-factor=0") < mxnet("--lr-step-epochs=10")


def test_mxnet_tells_of_batches() -> None:
    said = run("mxnet_mnist.py", "--num-epochs=1", "--disp-batches=10", "--num-examples=1000")
    assert re.search(r"Epoch\[0\] Batch \[0-10\]\tSpeed: \d+\.\d+ samples/sec\taccuracy=0\.", said)


@pytest.mark.parametrize(
    ("program", "word"),
    [
        ("mxnet_mnist.py", "--optimizer=lion"),
        ("mxnet_mnist.py", "--gpus=0"),
        ("mxnet_mnist.py", "--batch-size=0"),
        ("pytorch_mnist.py", "--logger=other"),
        ("pytorch_mnist.py", "--backend=nccl"),
        ("tf_mnist.py", "--epochs=many"),
    ],
)
def test_what_is_not_known_is_refused(program: str, word: str) -> None:
    process = start(program, word)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert word.partition("=")[0] in said


def test_who_learns_slowly_is_seen_at_the_second_report() -> None:
    """Upstream's example of early stopping has a rule for that one, made of those before."""

    def reports(rate: str, momentum: str) -> tuple[tuple[float, float], ...]:
        words = ("--epochs=1", "--batch-size=16", f"--lr={rate}", f"--momentum={momentum}")
        return tuple(enumerate(metrics(run("pytorch_mnist.py", *words), "loss"), 1))

    quick = (("0.05", "0.9"), ("0.03", "0.7"), ("0.04", "0.6"))
    problem = Problem(name="e", objectives=(Objective(metric="loss", minimize=True),))
    before = [
        Trial(name=" ".join(each), assignments={}, state="succeeded", reports=reports(*each))
        for each in quick
    ]
    (rule,) = medianstop.rules(problem, before, {"min_trials_required": "1", "start_step": "2"})
    stopped = {
        each: min(value for _, value in reports(*each)[:2]) > float(rule.value)
        for each in (*quick, ("0.01", "0.5"), ("0.015", "0.5"))
    }
    assert list(stopped.values()) == [False, False, False, True, True]


def test_pytorch_depends_on_rate_and_momentum() -> None:
    losses = {}
    for rate in ("0.01", "0.03"):
        for momentum in ("0.5", "0.7"):
            words = ("--epochs=1", "--batch-size=16", f"--lr={rate}", f"--momentum={momentum}")
            said = run("pytorch_mnist.py", *words)
            found = {name: float(value) for name, value, *_ in TESTED.findall(said)}
            assert set(found) == {"accuracy", "loss"}
            assert len(metrics(said, "loss")) == 81
            losses[rate, momentum] = found["loss"]
    assert losses["0.03", "0.7"] < losses["0.03", "0.5"] < losses["0.01", "0.5"] < 2.3


def test_pytorch_diverges_as_upstreams_does() -> None:
    said = run("pytorch_mnist.py", "--epochs=1", "--batch-size=16", "--lr=5", "--momentum=3")
    assert "loss=nan" in said
    assert "metricValue: nan" in said


def test_pytorch_logs_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mnist.log"
    assert run("pytorch_mnist.py", "--epochs=1", f"--log-path={path}") == ""
    assert len(TESTED.findall(path.read_text())) == 2


def test_pytorch_reports_to_hypertune(tmp_path: Path) -> None:
    path = tmp_path / "new" / "mnist.json"
    said = run("pytorch_mnist.py", "--epochs=2", "--logger=hypertune", f"--log-path={path}")
    assert len(TESTED.findall(said)) == 4
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [entry["global_step"] for entry in entries] == ["1", "1", "2", "2"]
    assert isinstance(entries[0]["timestamp"], float)
    assert 0 < float(entries[0]["loss"]) < 3
    assert 0 < float(entries[1]["accuracy"]) < 1


def test_pytorch_shares_gradients_with_others() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    common = {"WORLD_SIZE": "3", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    running = [
        start("pytorch_mnist.py", "--epochs=1", RANK=str(rank), **common) for rank in (2, 1, 0)
    ]
    said = [output(process) for process in running]
    alone = run("pytorch_mnist.py", "--epochs=1")
    results = {TESTED.findall(each)[0][1] for each in said}
    assert len(results) == 1
    assert results != {TESTED.findall(alone)[0][1]}


def scalars(directory: Path) -> Iterator[tuple[bytes, float]]:
    """The tags and tensors of a file of events, by the places where our writer puts them."""
    (path,) = directory.iterdir()
    assert path.name.startswith("events.out.tfevents.")
    data = path.read_bytes()
    assert b"brain.Event:2" in data
    while data:
        (length,) = struct.unpack_from("<Q", data)
        event, data = data[12 : 12 + length], data[16 + length :]
        for tag in (b"loss", b"accuracy"):
            if tag in event:
                yield tag, struct.unpack("<f", event[-4:])[0]


def test_tensorflow_writes_events(tmp_path: Path) -> None:
    said = run("tf_mnist.py", "--epochs=2", "--learning-rate=0.01", f"--log-path={tmp_path}")
    assert len(re.findall(r"Test Loss: \d\.\d{4}, Test Accuracy: \d+\.\d{4}", said)) == 2
    found = list(scalars(tmp_path / "test"))
    assert [tag for tag, _ in found] == [b"loss", b"accuracy"] * 2
    assert found[-1][1] > 0.85
    assert len(list(scalars(tmp_path / "train"))) == 4


def test_tensorflow_depends_on_the_rate(tmp_path: Path) -> None:
    reached = []
    for rate in ("0.00001", "0.01"):
        run("tf_mnist.py", "--epochs=1", f"--learning-rate={rate}", f"--log-path={tmp_path}/{rate}")
        reached.append(list(scalars(tmp_path / rate / "test"))[-1][1])
    assert reached[0] < 0.5 < reached[1]


def test_a_population_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    words = ("--lr=0.005", "--epochs=200", f"--checkpoint={tmp_path}/new")
    first, second = run("pbt_test.py", *words), run("pbt_test.py", *words)
    form = r"epoch (\d+):\nlr=0\.0050\nValidation-accuracy=(\d\.\d{4})\n"
    found = [re.fullmatch(form, said) for said in (first, second)]
    assert [match and match[1] for match in found] == ["201", "401"]
    bad = run("pbt_test.py", "--lr=0.02", "--epochs=200", f"--checkpoint={tmp_path}/bad")
    assert METRIC.findall(bad)[1][0] == "Validation-accuracy"


def test_a_checkpoint_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "training.ckpt").write_bytes(b"\x80\x04]")
    process = start("pbt_test.py", f"--checkpoint={tmp_path}")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "no checkpoint of this program" in said
