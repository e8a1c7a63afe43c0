import os
import sys
from pathlib import Path

import pytest

from sampan.nodes.lightweight import interpreter

OURS = "{}.{}".format(*sys.version_info)


def environment(directory: Path, version: str, settings: str | None = None) -> Path:
    (directory / "bin").mkdir(parents=True)
    (directory / "bin" / f"python{version}").touch()
    (directory / "bin" / "python3").symlink_to(f"python{version}")
    (directory / "lib" / f"python{version}" / "site-packages").mkdir(parents=True)
    if settings is not None:
        (directory / "pyvenv.cfg").write_text(settings)
    return directory


def test_the_interpreter_of_these_tests() -> None:
    found = interpreter.at(sys.base_prefix)
    assert found is not None
    assert (found.version, found.user) == (OURS, True)


@pytest.mark.parametrize(
    ("settings", "user"),
    [
        pytest.param(None, True, id="no virtual environment"),
        pytest.param("home = /usr/bin\n", False, id="a virtual environment"),
        pytest.param(
            "home = /nonesuch/bin\nInclude-System-Site-Packages = true\n",
            True,
            id="with the system's",
        ),
    ],
)
def test_whether_packages_of_users_count(tmp_path: Path, settings: str | None, user: bool) -> None:
    found = interpreter.at(str(environment(tmp_path / "e", "3.12", settings)))
    assert found is not None
    assert (found.version, found.user) == ("3.12", user)


def test_what_is_no_environment(tmp_path: Path) -> None:
    assert interpreter.at(str(tmp_path)) is None


def test_packages_that_come_change_the_stamp(tmp_path: Path) -> None:
    found = interpreter.at(str(environment(tmp_path / "e", "3.12")))
    assert found is not None
    before = found.stamp
    assert found.sdk == ""
    site = Path(found.sites[0])
    (site / "kfp-2.16.1.dist-info").mkdir()
    (site / "kfp_kubernetes-2.9.0.dist-info").mkdir()
    os.utime(site, ns=(1, 1))
    assert found.stamp != before
    assert found.sdk == "2.16.1"
