"""What is read from a kubeconfig, and what is said about one that is wrong."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from sampan.engine import kubeconfig
from sampan.kube.errors import UserMistake
from sampan.lib import yaml


def config(**user: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "n"}},
            {"name": "there", "context": {"cluster": "d"}},
        ],
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": "https://127.0.0.1:6443/",
                    "certificate-authority-data": b64encode(b"PEM").decode(),
                },
            },
            {"name": "d", "cluster": {"server": "http://x", "insecure-skip-tls-verify": True}},
        ],
        "users": [{"name": "u", "user": user}],
    }


def write(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "config"
    path.write_text(content if isinstance(content, str) else yaml.dump(content))
    return path


def test_the_current_context(tmp_path: Path) -> None:
    access = kubeconfig.load(write(tmp_path, config(token="t")))
    assert access.server == "https://127.0.0.1:6443"
    assert (access.authority, access.token, access.namespace) == (b"PEM", "t", "n")


def test_another_context(tmp_path: Path) -> None:
    access = kubeconfig.load(write(tmp_path, config()), context="there")
    assert (access.server, access.insecure, access.namespace) == ("http://x", True, "default")


def test_files_lie_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "me.crt").write_bytes(b"CERT")
    files = {"client-certificate": "me.crt", "client-key-data": b64encode(b"KEY").decode()}
    access = kubeconfig.load(write(tmp_path, config(**files, tokenFile="token")))
    assert (access.certificate, access.key) == (b"CERT", b"KEY")
    assert access.token_file == str(tmp_path / "token")


def test_the_first_file_that_exists_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, config(token="t"))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'none'}:{path}")
    assert kubeconfig.load().token == "t"


def without(field: str) -> dict[str, Any]:
    return {key: value for key, value in config().items() if key != field}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("a: [", "config:", id="no-yaml"),
        pytest.param("- a", "is no kubeconfig", id="a-list"),
        pytest.param(without("current-context"), 'has no context ""', id="no-context"),
        pytest.param(without("clusters"), 'has no cluster "c"', id="no-cluster"),
        pytest.param(without("users"), 'has no user "u"', id="no-user"),
        pytest.param(config(exec={"command": "aws"}), "gets credentials by exec", id="exec"),
        pytest.param(config(**{"client-key-data": "%"}), "is not base64", id="no-base64"),
        pytest.param(config(**{"client-key": "none"}), "client-key: No such file", id="no-file"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(UserMistake) as caught:
        kubeconfig.load(write(tmp_path, content))
    assert said in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="cannot be read: No such file"):
        kubeconfig.load(tmp_path / "none")


def test_outside_of_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(UserMistake, match="this is no pod"):
        kubeconfig.in_cluster()
