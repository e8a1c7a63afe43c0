"""A command in a container: its streams and its end."""

from __future__ import annotations

import asyncio
import os

import pytest

from sampan.nodes.execute import Running


class Command:
    """Stands for the supervisor's side of a command."""

    killed = False

    def kill(self) -> None:
        self.killed = True


def test_a_killed_command_leaves_no_descriptor_open() -> None:
    async def story() -> None:
        command = Command()
        stdin, stdout = os.pipe(), os.pipe()
        running = Running(command, stdin[1], {stdout[0]: 1})  # type: ignore[arg-type]
        await running.kill()
        assert command.killed
        with pytest.raises(BrokenPipeError):
            os.write(stdout[1], b"who reads this?")
        assert os.read(stdin[0], 1) == b""
        await running.kill()
        for fd in (stdin[0], stdout[1]):
            os.close(fd)

    asyncio.run(story())
