"""The service of a driver of artifacts, judged by a driver with gRPC's own library."""

from __future__ import annotations

import asyncio
import socket as sockets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sampan.nodes.executor import service

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venvs" / "grpc" / "bin" / "python"

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="make setup has not made .venvs/grpc")


@pytest.fixture(scope="module")
def socket(tmp_path_factory: Any) -> Iterator[str]:
    path = tmp_path_factory.mktemp("d") / "s"
    driver = subprocess.Popen([PYTHON, ROOT / "tests" / "artifact_driver.py", path])
    while not path.exists():
        assert driver.poll() is None
    yield str(path)
    driver.terminate()
    assert driver.wait() == 0


def artifact(configuration: str, key: str = "k/x") -> dict[str, Any]:
    plugin = {"name": "test", "configuration": configuration, "key": key}
    return {"name": "a", "optional": True, "plugin": plugin}


@pytest.mark.slow
def test_what_is_saved_can_be_loaded_until_it_is_deleted(socket: str, tmp_path: Path) -> None:
    where = artifact(f"directory: {tmp_path}/kept")
    (tmp_path / "in").write_text("hello")

    async def story() -> None:
        await service.save(socket, where, f"{tmp_path}/in")
        await service.load(socket, where, f"{tmp_path}/out")
        assert (tmp_path / "out").read_text() == "hello"
        await service.delete(socket, where)
        with pytest.raises(service.Refused, match="plugin test load failed: there is no k/x"):
            await service.load(socket, where, f"{tmp_path}/out")

    asyncio.run(story())


@pytest.mark.slow
@pytest.mark.parametrize("said", ["No!", "100 % <für> \\ dich {~}", "x" * 300])
def test_errors_of_grpc_are_said_in_its_words(socket: str, said: str) -> None:
    wanted = f"plugin test delete failed: rpc error: code = PermissionDenied desc = {said}"
    with pytest.raises(service.Refused) as caught:
        asyncio.run(service.delete(socket, artifact(f"broken: {said}")))
    assert str(caught.value) == wanted


@pytest.mark.slow
def test_a_long_message_is_sent_in_pieces(socket: str, tmp_path: Path) -> None:
    where = artifact(f"directory: {tmp_path}\nmore: {'x' * 40_000}")
    asyncio.run(service.delete(socket, where))


def test_nobody_who_listens_is_a_matter_of_time(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with sockets.socket(sockets.AF_UNIX) as deaf:
        deaf.bind(path)
        where = artifact("x")
        where["plugin"]["connectionTimeoutSeconds"] = 1
        with pytest.raises(service.Refused, match="timeout waiting for plugin test connection"):
            asyncio.run(service.delete(path, where))


def test_what_is_no_socket_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").symlink_to("/run/elsewhere")
    with pytest.raises(service.Refused, match="no socket"):
        asyncio.run(service.delete(str(tmp_path / "s"), artifact("x")))
