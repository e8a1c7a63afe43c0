"""Which server is asked, and what is said when that is none."""

from __future__ import annotations

import argparse

import pytest

from sampan.cli.pipelines import server
from sampan.kube.errors import NotFound, UserMistake


def options(host: str) -> argparse.Namespace:
    return argparse.Namespace(host=host, token="", insecure=False, namespace="", home=None)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("http://localhost:8080/pipeline/", "http://localhost:8080/pipeline"),
        ("kubeflow.example", "https://kubeflow.example"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_is_what_is_given(host: str, address: str) -> None:
    assert server.address(options(host)) == address


@pytest.mark.parametrize("host", ["nonsense:x", "http://", "ftp://x", "http://[x", "x:99999"])
def test_what_is_no_address_is_named(host: str) -> None:
    with pytest.raises(UserMistake, match="is no address of a server"):
        server.address(options(host))


def test_a_server_of_something_else_may_lack_its_path() -> None:
    async def ask(connection: server.Server, args: argparse.Namespace) -> int:
        class Elsewhere:
            async def request(self, *_: object) -> object:
                raise NotFound("no such page")

        await server.Server(Elsewhere(), "").post("runs")  # type: ignore[arg-type]
        return 0

    with pytest.raises(UserMistake, match=r"no such page(.|\n)*mostly ends in /pipeline"):
        server.run(options("http://localhost:1"), ask)
