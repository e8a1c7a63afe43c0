"""Git, against git's own server on loopback, and what a manifest may not make it do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from artifacts.makers import Namespaced, no_secret
from sampan.artifacts import Fault, NotThere, Unreachable

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("git"), reason="git is not installed"),
]
QUIET = {
    **os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b", "GIT_ALLOW_PROTOCOL": "file:git",
}  # fmt: skip


def run(where: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", where, *arguments], env=QUIET, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """git://… of a repository `repo`, with two branches, a tag and a submodule, and of `empty`."""
    base = tmp_path_factory.mktemp("git")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"git://127.0.0.1:{port}"
    for name in ("repo", "sub", "empty"):
        (base / name).mkdir()
        run(base / name, "init", "-q", "-b", "main")
    (base / "sub" / "inner").write_text("inner")
    run(base / "sub", "add", "."), run(base / "sub", "commit", "-qm", "one")
    daemon = subprocess.Popen(
        ["git", "daemon", "--reuseaddr", "--export-all", f"--base-path={base}",
         "--listen=127.0.0.1", f"--port={port}", base],
        env=QUIET, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.01)
    repo = base / "repo"
    for text in ("one", "two"):
        (repo / "file").write_text(text)
        run(repo, "add", "."), run(repo, "commit", "-qm", text)
        run(repo, "tag", f"v-{text}")
    run(repo, "submodule", "add", "-q", f"{url}/sub", "sub"), run(repo, "commit", "-qm", "sub")
    run(repo, "checkout", "-q", "-b", "other", "v-one")
    (repo / "file").write_text("other")
    run(repo, "commit", "-qam", "other"), run(repo, "checkout", "-q", "main")
    yield url
    daemon.terminate()
    daemon.wait()


def git(repo: str, **more: Any) -> dict[str, Any]:
    return {"git": {"repo": repo, **more}}


@pytest.mark.parametrize(
    ("settings", "text", "submodule"),
    [
        pytest.param({}, "two", True, id="nothing"),
        pytest.param({"revision": "v-one"}, "one", False, id="tag"),
        pytest.param({"revision": "other"}, "other", False, id="branch"),
        pytest.param({"revision": "other", "depth": 1}, "other", False, id="shallow"),
        pytest.param({"revision": "v-one", "depth": 1}, "one", False, id="shallow-tag"),
        pytest.param({"singleBranch": True, "branch": "other", "depth": 1}, "other", False,
                     id="single"),
        pytest.param({"branch": "other"}, "two", True, id="branch-without-single"),
        pytest.param({"fetch": ["refs/heads/other:refs/mine"], "revision": "refs/mine"}, "other",
                     False, id="fetch"),
        pytest.param({"disableSubmodules": True}, "two", False, id="no-submodules"),
    ],
)  # fmt: skip
def test_revisions(
    artifacts: Namespaced, tmp_path: Path, server: str, settings: dict[str, Any], text: str,
    submodule: bool,
) -> None:  # fmt: skip
    artifacts.load(git(f"{server}/repo", **settings), tmp_path / "src", no_secret)
    assert (tmp_path / "src" / "file").read_text() == text
    assert (tmp_path / "src" / "sub" / "inner").exists() == submodule
    assert (tmp_path / "src" / ".git").is_dir()


def test_an_empty_repository_is_one(artifacts: Namespaced, tmp_path: Path, server: str) -> None:
    artifacts.load(git(f"{server}/empty", revision="main"), tmp_path / "src", no_secret)
    assert os.listdir(tmp_path / "src") == [".git"]


@pytest.mark.parametrize(
    "settings",
    [
        {"repo": "/etc"}, {"repo": "file:///etc"}, {"repo": "ext::sh -c id"},
        {"repo": "--upload-pack=id"}, {"repo": "git://h/x", "revision": "--output=/tmp/x"},
        {"repo": "git://h/x", "branch": "-b", "singleBranch": True},
        {"repo": "-oProxyCommand=id:x"},
        {"repo": "git://h/x", "fetch": ["--upload-pack=id"]}, {"repo": "git@-oProxyCommand=id:x"},
        {"repo": "ssh://-oProxyCommand=id/x"}, {"repo": "git://h/x", "singleBranch": True},
    ],
)  # fmt: skip
def test_a_manifest_cannot_give_options(
    artifacts: Namespaced, tmp_path: Path, settings: dict[str, Any]
) -> None:
    with pytest.raises(Fault):
        artifacts.load({"git": settings}, tmp_path / "src", no_secret)
    assert not (tmp_path / "src").exists()


def test_what_goes_wrong_is_told_apart(artifacts: Namespaced, tmp_path: Path, server: str) -> None:
    with pytest.raises(NotThere):
        artifacts.load(git(f"{server}/repo", revision="nothing"), tmp_path / "src", no_secret)
    with pytest.raises(Unreachable):
        artifacts.load(git("http://127.0.0.1:1/x"), tmp_path / "src", no_secret)
    with pytest.raises(Fault, match="git output artifacts unsupported"):
        artifacts.save(git(f"{server}/repo", archive={"none": {}}), tmp_path, no_secret)
    assert os.listdir(tmp_path) == ["repository"]


def test_a_password_is_no_argument(artifacts: Namespaced, tmp_path: Path) -> None:
    place = git(
        "http://127.0.0.1:1/x", usernameSecret={"name": "u", "key": "k"},
        passwordSecret={"name": "p", "key": "k"},
    )  # fmt: skip
    with pytest.raises(Unreachable) as found:
        artifacts.load(place, tmp_path / "src", lambda name, key: b"hush")
    assert "hush" not in str(found.value)
