"""Pods whose images Sampan stands for itself."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from nodes.conftest import Play, Site
from sampan.nodes.images import standins
from sampan.nodes.images.environments import Environment, Package

MXNET = "docker.io/kubeflowkatib/mxnet-mnist:v1beta1-45c5727"
PYTORCH = "ghcr.io/kubeflow/katib/pytorch-mnist-cpu:latest"
ENAS = "ghcr.io/kubeflow/katib/enas-cnn-cifar10-cpu:latest"
DARTS = "ghcr.io/kubeflow/katib/darts-cnn-cifar10-cpu:latest"
PBT = "ghcr.io/kubeflow/katib/simple-pbt:latest"
SANDBOXES = pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces", "plain"])


def main(image: str, *args: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": "main", "image": image, "args": list(args), **more}]


@SANDBOXES
def test_a_program_learns_where_upstreams_lies(play: Play, sandbox: str) -> None:
    if sandbox == "bubblewrap" and not shutil.which("bwrap"):
        pytest.skip("there is no bubblewrap")
    command = ["sh", "-c", "python3 /opt/mxnet-mnist/mnist.py --num-epochs=1 --lr=0.05"]

    async def story(site: Site) -> None:
        await site.run(containers=main(MXNET, command=command))
        await site.run("q", containers=main(PYTORCH, "--epochs=1", "--log-path=/katib/log"))
        await site.run("r", containers=main(PBT, "--checkpoint=/var/log/katib/own/"))
        for name in ("p", "q", "r"):
            assert (await site.finished(name))["phase"] == "Succeeded", await site.logs(name)
        assert "Validation-accuracy=0." in await site.logs()
        assert "epoch 21:" in await site.logs("r")
        installed = site.events("Installed")
        assert installed
        assert installed[0].startswith("Installed packages: numpy, digits.csv.gz of scikit-learn")
        assert any("in place of MNIST" in said for said in site.events("Pulled"))

    play(story, sandbox=sandbox)


def test_what_a_container_has_is_marked_as_used(play: Play) -> None:
    async def story(site: Site) -> None:
        await site.run(containers=main(MXNET, command=["sleep", "60"]))
        await site.until(lambda status: status.get("phase") == "Running")
        (mark,) = site.home.glob("node/pods/*/scratch/*/environment")
        assert (site.home / "packages" / "environments" / mark.read_text()).is_dir()

    play(story)


@SANDBOXES
def test_cells_are_searched_as_upstreams_example_does(play: Play, sandbox: str) -> None:
    if sandbox == "bubblewrap" and not shutil.which("bwrap"):
        pytest.skip("there is no bubblewrap")
    command = (
        "python3 run_trial.py --algorithm-settings=\"{'num_epochs': '1', 'w_lr': 0.025, "
        "'w_lr_min': 0.001, 'w_momentum': 0.9, 'w_weight_decay': 0.0003, 'w_grad_clip': 5.0, "
        "'alpha_lr': 0.0003, 'alpha_weight_decay': 0.001, 'batch_size': 128, 'num_workers': 4, "
        "'init_channels': '1', 'print_step': 50, 'num_nodes': '1', 'stem_multiplier': '1'}\" "
        '--search-space="[\'max_pooling_3x3\']" --num-layers="1"'
    )

    async def story(site: Site) -> None:
        await site.run(containers=main(DARTS, command=["sh", "-c", command]))
        assert (await site.finished())["phase"] == "Succeeded", await site.logs()
        assert "\nBest-Genotype=Genotype(normal=[[('max_pooling_3x3'," in await site.logs()

    play(story, sandbox=sandbox)


@SANDBOXES
@pytest.mark.parametrize("program", ["RunTrial.py", "/opt/enas-cnn-cifar10/RunTrial.py"])
def test_a_network_is_trained_as_upstreams_example_does(
    play: Play, sandbox: str, program: str
) -> None:
    if sandbox == "bubblewrap" and not shutil.which("bwrap"):
        pytest.skip("there is no bubblewrap")
    command = (
        f'python3 -u {program} --num_epochs=1 --architecture="[[0]]" '
        "--nn_config=\"{'num_layers': 1, 'input_sizes': [32, 32, 3], 'output_sizes': [10], "
        "'embedding': {'0': {'opt_id': 0, 'opt_type': 'reduction', 'opt_params': "
        "{'reduction_type': 'max_pooling', 'pool_size': 2}}}}\""
    )

    async def story(site: Site) -> None:
        await site.run(containers=main(ENAS, command=["sh", "-c", command]))
        assert (await site.finished())["phase"] == "Succeeded", await site.logs()
        assert "\nValidation-Accuracy=0." in await site.logs()

    play(story, sandbox=sandbox)


def test_what_cannot_be_installed_is_said(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wanted = Environment("none", (Package("nonesuch", "1", "2"),))
    learner = standins.Standin(
        said="", directory="/opt/x", files={}, entrypoint=("true",), environment=wanted
    )
    monkeypatch.setattr(standins, "standin_of", lambda _: learner)

    async def story(site: Site) -> None:
        await site.run(containers=main("any/image"))

        def failed(status: dict[str, Any]) -> bool:
            states = status.get("containerStatuses") or ({"state": {}},)
            waiting = states[0]["state"].get("waiting") or {}
            return waiting.get("reason") == "ErrImagePull" and "nonesuch" in waiting["message"]

        await site.until(failed)
        assert site.events("Installing") == ["Installing packages: nonesuch"]

    play(story)
