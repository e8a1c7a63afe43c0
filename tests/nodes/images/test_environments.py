"""Environments that are made for stand-ins: from what is installed, else by pip."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodes.lightweight import standin
from sampan.nodes.images.environments import Environment, Environments, Package
from sampan.nodes.images.oci.errors import PullError
from sampan.nodes.images.runtime import Runtime
from sampan.nodes.images.standins import DIGITS

TOY = Environment(
    "toy", (Package("toy", "1", "2"), Package("toydata", "1", "2", only=("toydata/few.csv",)))
)
OWN = Environment("own", (Package("msgspec", "0", "9"),))


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[standin.Index]:
    wheels = {"toy": {"toy.py": "said = 'toy'\n"}, "toydata": {"toydata/few.csv": "1,2\n"}}
    with standin.index(**wheels) as found:
        monkeypatch.setenv("PIP_INDEX_URL", found.url)
        monkeypatch.setenv("PIP_TRUSTED_HOST", "127.0.0.1")
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        yield found


def made(root: Path, wanted: Environment) -> Runtime:
    known = Environments(root)
    asyncio.run(known.make(wanted))
    found = known.find(wanted)
    assert found is not None
    return found


def said(runtime: Runtime, code: str) -> str:
    command = [f"{runtime.python}/bin/python3", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
def test_pip_fetches_what_is_not_installed(tmp_path: Path, index: standin.Index) -> None:
    found = made(tmp_path, TOY)
    code = "import sys, toy; print(toy.said, open(sys.prefix + '/share/few.csv').read())"
    assert said(found, code) == "toy 1,2"
    assert said(found, "import pip, sys; print(sys.prefix != sys.base_prefix)") == "True"
    assert sorted(index.asked) == ["toy", "toydata"]
    assert list((tmp_path / "building").iterdir()) == []
    assert TOY.said == "toy, few.csv of toydata"


@pytest.mark.slow
def test_who_wants_the_same_at_the_same_time_shares_it(
    tmp_path: Path, index: standin.Index
) -> None:
    known = Environments(tmp_path)

    async def both() -> None:
        await asyncio.gather(known.make(TOY), known.make(TOY))

    asyncio.run(both())
    assert sorted(index.asked) == ["toy", "toydata"]


@pytest.mark.slow
def test_a_package_that_nobody_has_is_named(tmp_path: Path, index: standin.Index) -> None:
    known = Environments(tmp_path)
    wanted = Environment("none", (Package("nonesuch", "1", "2"),))
    with pytest.raises(PullError, match=r"nonesuch cannot be installed: .*No matching"):
        asyncio.run(known.make(wanted))
    assert known.find(wanted) is None
    assert list((tmp_path / "building").iterdir()) == []


@pytest.mark.slow
def test_a_wheel_without_the_file_is_no_good(tmp_path: Path, index: standin.Index) -> None:
    wanted = Environment("other", (Package("toydata", "1", "2", only=("toydata/more.csv",)),))
    with pytest.raises(PullError, match=r"toydata/more\.csv"):
        asyncio.run(Environments(tmp_path).make(wanted))


def test_what_sampan_has_itself_is_linked_to(tmp_path: Path) -> None:
    found = made(tmp_path, OWN)
    place = said(found, "import msgspec; print(msgspec.__file__)")
    assert place.startswith(str(tmp_path))
    assert str(Path(place).resolve().parent) in [str(Path(p).resolve()) for p in found.visible]


def test_another_version_is_not_linked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wanted = Environment("later", (Package("msgspec", "9", "10"),))
    with pytest.raises(PullError, match="msgspec"):
        asyncio.run(Environments(tmp_path).make(wanted))


def test_links_that_lead_nowhere_are_made_again(tmp_path: Path) -> None:
    prefix = Path(made(tmp_path, OWN).python)
    (link,) = prefix.glob("lib/*/site-packages/msgspec")
    link.unlink()
    link.symlink_to("/nowhere")
    assert Environments(tmp_path).find(OWN) is None
    assert made(tmp_path, OWN).python == str(prefix)


def test_the_digits_come_with_numpy(tmp_path: Path) -> None:
    found = made(tmp_path, DIGITS)
    code = (
        "import gzip, sys, numpy; print(len(gzip.open(sys.prefix + '/share/digits.csv.gz').read()))"
    )
    assert int(said(found, code)) > 100_000
