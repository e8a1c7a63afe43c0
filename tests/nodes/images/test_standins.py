"""Images that Sampan stands for with programs of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sampan.config import Image
from sampan.nodes.images.environments import Environments
from sampan.nodes.images.resolve import Images
from sampan.nodes.images.runtime import Runtime, Wanted, argv
from sampan.nodes.images.standins import DIGITS, standin_of

PBT = "ghcr.io/kubeflow/katib/simple-pbt:latest"
MXNET = "docker.io/kubeflowkatib/mxnet-mnist:v1beta1-45c5727"
PYTORCH = "ghcr.io/kubeflow/katib/pytorch-mnist-cpu:latest"
TENSORFLOW = "ghcr.io/kubeflow/katib/tf-mnist-with-summaries:latest"


def images(home: Path, *table: Image, mirror: str = "") -> Images:
    return Images(table, home, mirror, environments=Environments(home / "packages"))


@pytest.mark.parametrize(
    ("image", "directory"),
    [
        (MXNET, "/opt/mxnet-mnist"),
        ("kubeflowkatib/mxnet-mnist", "/opt/mxnet-mnist"),
        ("ghcr.io/kubeflow/katib/enas-cnn-cifar10-cpu:latest", "/opt/enas-cnn-cifar10"),
        ("ghcr.io/kubeflow/katib/darts-cnn-cifar10-cpu:latest", "/opt/darts-cnn-cifar10"),
        (PYTORCH, "/opt/pytorch-mnist"),
        ("docker.io/kubeflowkatib/pytorch-mnist:v1beta1-45c5727", "/opt/pytorch-mnist"),
        (TENSORFLOW, "/opt/tf-mnist-with-summaries"),
        (PBT, "/opt/pbt"),
    ],
)
def test_images_of_examples_are_stood_for(image: str, directory: str) -> None:
    found = standin_of(image)
    assert found is not None
    assert found.directory == directory
    assert found.entrypoint[-1].rpartition("/")[2] in found.files


@pytest.mark.parametrize(
    "image",
    ["ghcr.io/kubeflow/katib/pytorch-mnist-gpu", "ghcr.io/other/katib/simple-pbt", "simple-pbt"],
)
def test_others_are_not_guessed_at(image: str, tmp_path: Path) -> None:
    assert standin_of(image) is None
    assert images(tmp_path).resolve(image) == Wanted(image)


def test_a_stand_in_of_python_alone_is_there_at_once(tmp_path: Path) -> None:
    found = images(tmp_path).resolve(PBT)
    assert isinstance(found, Runtime)
    assert argv(found, None, ["--lr=1"]) == ("python3", "/opt/pbt/pbt_test.py", "--lr=1")
    assert found.cwd == "/opt/pbt"
    assert "stand-in of Sampan's" in found.said
    (source,) = (each.source for each in found.mounts if each.target == "/opt/pbt/pbt_test.py")
    assert Path(source).is_file()


def test_a_stand_in_waits_for_its_environment(tmp_path: Path) -> None:
    known = images(tmp_path)
    assert known.resolve(MXNET) == DIGITS
    asyncio.run(Environments(tmp_path / "packages").make(DIGITS))
    found = known.resolve(MXNET)
    assert isinstance(found, Runtime)
    assert found.path[0].startswith(str(tmp_path))
    targets = {each.target for each in found.mounts}
    assert {"/opt/mxnet-mnist/mnist.py", "/opt/mxnet-mnist/network.py"} <= targets
    again = known.resolve(PYTORCH)
    assert isinstance(again, Runtime)
    assert again.folders == ("/opt/pytorch-mnist", "/katib")


def test_the_table_wins(tmp_path: Path) -> None:
    real = Image(match="ghcr.io/kubeflow/katib/*", oci=True)
    assert images(tmp_path, real).resolve(PBT) == Wanted(PBT)


def test_names_behind_a_mirror_are_the_same(tmp_path: Path) -> None:
    found = images(tmp_path, mirror="mirror.example/hub").resolve(f"mirror.example/hub/{PBT}")
    assert isinstance(found, Runtime)
