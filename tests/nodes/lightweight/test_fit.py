from pathlib import Path

import pytest

from nodes.lightweight import commands
from sampan.nodes.lightweight.fit import Packages, fit, obstacle
from sampan.nodes.lightweight.interpreter import Python
from sampan.nodes.lightweight.recognise import Lightweight, recognise
from sampan.nodes.sandbox.spec import Mount, Sandbox

PYTHON = Python("/opt/python", "3.11", (), user=True)
VENV = Python("/opt/venv", "3.11", (), user=False)
SDK, LAYER = Path("/home/packages/sdk/3.11/2.17.3"), Path("/home/packages/layers/x/files")
SITE = "/run/sampan/packages/lib/python3.11/site-packages"
ARGV = tuple(commands.component("def f(): ...\n", commands.pip("six"), commands.sdk("2.17.0")))
ENV = {"HOME": "/root", "PATH": "/opt/python/bin:/root/.local/bin:/usr/bin"}
BOX = Sandbox(argv=ARGV, env=ENV, mounts=(Mount("/tmp", "/a"), Mount("/root", "/b")))


def found() -> Lightweight:
    known = recognise(ARGV)
    assert known is not None
    return known


def test_packages_are_mounted_read_only_and_led_to() -> None:
    fitted = fit(BOX, found(), PYTHON, Packages(SDK, LAYER))
    assert fitted.box.argv == ARGV[3:]
    assert fitted.box.mounts[2:] == (
        Mount(str(SDK), str(SDK), True), Mount("/run/sampan/packages", str(LAYER), True)
    )  # fmt: skip
    assert fitted.box.env["PATH"] == (
        "/opt/python/bin:/root/.local/bin:/run/sampan/packages/bin:/usr/bin"
    )
    ((path, text),) = fitted.files.items()
    assert path == ".local/lib/python3.11/site-packages/sampan.pth"
    assert [line.split("addsitedir")[1] for line in text.splitlines()] == [
        f"('{SDK}')", f"('{SITE}')"
    ]  # fmt: skip
    component = fitted.box.component
    assert component is not None
    assert component.argv[:2] == ("--component_module_path", None)
    assert (component.sites, component.layers) == ((str(SDK),), (SITE,))


def test_an_environment_without_packages_of_users_is_told_by_a_variable() -> None:
    fitted = fit(BOX, found(), VENV, Packages(SDK, LAYER))
    assert fitted.files == {}
    assert fitted.box.env["PYTHONPATH"] == f"{SDK}:{SITE}"
    assert fitted.box.component is None  # a fork cannot have it before the standard library
    component = fit(BOX, found(), VENV, Packages(SDK)).box.component
    assert component is not None


def test_without_an_sdk_nothing_is_forked() -> None:
    assert fit(BOX, found(), PYTHON, Packages(layer=LAYER)).box.component is None


@pytest.mark.parametrize(
    ("env", "mounts", "why"),
    [
        pytest.param({}, (), "", id="none"),
        pytest.param({"HOME": "/home/me"}, (), "HOME is elsewhere", id="home"),
        pytest.param({"PYTHONUSERBASE": "/x"}, (), "the user's packages are elsewhere", id="base"),
        pytest.param({"PYTHONNOUSERSITE": "1"}, (), "the user's packages are elsewhere", id="no"),
        pytest.param({}, ("/root/",), "a volume is where packages would be", id="a volume as home"),
        pytest.param({}, ("/root/.local/lib",), "a volume is where packages would be", id="below"),
        pytest.param({}, ("/root/data", "/mnt"), "", id="other volumes"),
    ],
)
def test_what_keeps_packages_from_being_found(
    env: dict[str, str], mounts: tuple[str, ...], why: str
) -> None:
    more = tuple(Mount(target, "/volume") for target in mounts)
    box = Sandbox(argv=ARGV, env=ENV | env, mounts=(*BOX.mounts, *more))
    assert obstacle(box, PYTHON) == why


def test_a_variable_of_the_pod_s_own_stays() -> None:
    assert obstacle(Sandbox(argv=ARGV, env={"PYTHONPATH": "/x"}), VENV)
    assert not obstacle(Sandbox(argv=ARGV, env={}), VENV)
