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
