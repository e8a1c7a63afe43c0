"""Images of upstream's examples that Sampan stands for with programs of its own.

The programs in `programs/katib` lie where upstream's lie in their images, know the same options and
write the same lines, so that examples run unchanged; what they learn is small data that can be had
without a network of images. Each says in its first lines what is another thing. The user's table
of images wins, so `oci: true` brings the real image.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sampan.lib import nets
from sampan.nodes.images.environments import Environment, Package
from sampan.nodes.images.reference import name_of
from sampan.nodes.images.runtime import Runtime
from sampan.nodes.sandbox.spec import Mount

_PROGRAMS = Path(__file__).parent / "programs" / "katib"
_REGISTRIES = ("kubeflowkatib", "docker.io/kubeflowkatib", "ghcr.io/kubeflow/katib")

DIGITS = Environment(
    "digits",
    (
        Package("numpy", "2", "3"),
        Package("scikit-learn", "1.3", "2", only=("sklearn/datasets/data/digits.csv.gz",)),
    ),
)
"""numpy, and 1,797 images of 8 × 8 pixels."""


class Standin(Struct, frozen=True, kw_only=True):
    """directory: where the image has its program, which is its working directory, too. files: what
    lies there, each with its name in `programs/katib`, or its path. folders: empty directories
    besides, that can be written to. environment: None for Python alone. entrypoint: upstream's."""

    said: str
    directory: str
    files: Mapping[str, str]
    entrypoint: tuple[str, ...]
    environment: Environment | None = DIGITS
    folders: tuple[str, ...] = ()


_COMMON = {name: name for name in ("digits.py", "lines.py", "network.py")}
_LEARNS = "which learns 8×8 digits in place of MNIST"
_MXNET = Standin(
    said=_LEARNS,
    directory="/opt/mxnet-mnist",
    files={"mnist.py": "mxnet_mnist.py", **_COMMON},
    entrypoint=("python3", "/opt/mxnet-mnist/mnist.py"),
)
_PYTORCH = Standin(
    said=_LEARNS,
    directory="/opt/pytorch-mnist",
    files={"mnist.py": "pytorch_mnist.py", "group.py": "group.py", **_COMMON},
    entrypoint=("python3", "/opt/pytorch-mnist/mnist.py"),
    folders=("/katib",),
)
_TENSORFLOW = Standin(
    said=_LEARNS,
    directory="/opt/tf-mnist-with-summaries",
    files={"mnist.py": "tf_mnist.py", "events.py": "events.py", **_COMMON},
    entrypoint=("python3", "/opt/tf-mnist-with-summaries/mnist.py"),
)
_PBT = Standin(
    said="which plays the same game",
    directory="/opt/pbt",
    files={"pbt_test.py": "pbt_test.py"},
    entrypoint=("python3", "/opt/pbt/pbt_test.py"),
    environment=None,
    folders=("/var/log/katib",),
)
_SEARCHES = {"nets": str(Path(nets.__file__).parent), "layers.py": "layers.py", **_COMMON}
_ENAS = Standin(
    said="which trains on 8×8 digits in place of CIFAR-10",
    directory="/opt/enas-cnn-cifar10",
    files={"RunTrial.py": "enas_cifar10.py", **_SEARCHES},
    entrypoint=("python3", "-u", "RunTrial.py"),
)
_DARTS = Standin(
    said="which searches with 8×8 digits in place of CIFAR-10",
    directory="/opt/darts-cnn-cifar10",
    files={
        "run_trial.py": "darts_cifar10.py",
        "cells.py": "cells.py",
        "paths.py": "paths.py",
        **_SEARCHES,
    },
    entrypoint=("python3", "-u", "run_trial.py"),
)
_BY_NAME: Mapping[str, Standin] = {
    f"{registry}/{name}": standin
    for registry in _REGISTRIES
    for name, standin in (
        ("mxnet-mnist", _MXNET), ("pytorch-mnist", _PYTORCH), ("pytorch-mnist-cpu", _PYTORCH),
        ("tf-mnist-with-summaries", _TENSORFLOW), ("simple-pbt", _PBT),
        ("enas-cnn-cifar10-cpu", _ENAS), ("darts-cnn-cifar10-cpu", _DARTS),
    )
}  # fmt: skip
"""Not those for GPUs: who has one wants the real thing."""


def standin_of(image: str) -> Standin | None:
    """The stand-in for an image, whatever its tag."""
    return _BY_NAME.get(name_of(image) or "")


def runtime(standin: Standin, base: Runtime) -> Runtime:
    """What a container runs in; `base` has the Python."""
    files = (
        Mount(f"{standin.directory}/{name}", str(_PROGRAMS / source), True)
        for name, source in standin.files.items()
    )
    name = standin.directory.rpartition("/")[2]
    return replace(
        base,
        identity=f"sampan://standin/{name}",
        said=f"a stand-in of Sampan's, {standin.said}",
        env={**base.env, "OPENBLAS_NUM_THREADS": "1"},  # matrices are small
        entrypoint=standin.entrypoint,
        command=(),
        cwd=standin.directory,
        folders=(standin.directory, *standin.folders),
        mounts=(*base.mounts, *files),
    )
