"""Where a suite's tests come from: a repository or a source distribution, laid out to be run.

A repository is cloned from GitHub, or taken from a directory that mirrors some (`--mirrors`, with
`owner+name/repo` or `owner/name` below it). Only the files that are asked for are taken out of it.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from conformance.suites import Checkout, Sdist

_HOST = "https://github.com"


def lay_checkout(checkout: Checkout, mirrors: Path | None, target: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        repository = _found(checkout.repository, mirrors) or _cloned(checkout, Path(work) / "clone")
        taken = Path(work) / "taken"
        _take(repository, checkout.files, taken)
        for path, place in checkout.files.items():
            _lay(taken / path, target / place)


def lay_sdist(sdist: Sdist, python: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        command = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, "--dest", work, sdist.requirement], check=True)
        [packed] = Path(work).glob("*.tar.gz")
        with tarfile.open(packed) as archive:
            archive.extractall(work, filter="data")
        [root] = (path for path in Path(work).iterdir() if path.is_dir())
        for path in sdist.files:
            _lay(root / path, target / path)


def _found(repository: str, mirrors: Path | None) -> Path | None:
    owner, _, name = repository.partition("/")
    places = (f"{owner}+{name}/repo", f"{owner}/{name}", name) if mirrors else ()
    return next((mirrors / place for place in places if (mirrors / place).exists()), None)


def _cloned(checkout: Checkout, target: Path) -> Path:
    address = f"{_HOST}/{checkout.repository}"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", address, target], check=True)
    return target


def _take(repository: Path, paths: Iterable[str], target: Path) -> None:
    packed = subprocess.run(
        ["git", "-C", repository, "archive", "HEAD", *paths], capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(target, filter="data")


def _lay(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
