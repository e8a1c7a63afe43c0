"""Which kind of sandbox works on this machine, and why no better one."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import Any, Literal

from msgspec import Struct

from sampan.nodes.sandbox import bubblewrap, plain
from sampan.nodes.sandbox.spec import Sandbox

_TRIAL = Sandbox(argv=("/bin/true",), env={"PATH": os.defpath}, hidden=("/home", "/root"))


class Level(Struct, frozen=True):
    """`reason` says why it is not "bubblewrap"; it is empty otherwise."""

    kind: Literal["bubblewrap", "plain"]
    program: str = ""
    reason: str = ""

    def request(self, identity: str, box: Sandbox) -> dict[str, Any]:
        """What the supervisor is asked to start."""
        _refuse_nul(box)
        common = {"id": identity, "limits": box.limits, "stdin": box.stdin, "tty": box.tty}
        if self.kind == "bubblewrap":
            args = bubblewrap.arguments(box)
            return {
                **common, "plain": False, "program": self.program, "args": args, "argv": box.argv,
                "overlay": box.overlay, "signal": int(box.stop_signal),
            }  # fmt: skip
        done = plain.rewritten(box)
        return {**common, "plain": True, "argv": done.argv, "env": done.env, "cwd": done.cwd}


def _refuse_nul(box: Sandbox) -> None:
    """A NUL ends a string for the system, and starts another option for bubblewrap."""
    for text in (*box.argv, *box.env, *box.env.values(), box.cwd, *(m.target for m in box.mounts)):
        if "\0" in text:
            raise ValueError(f"{text!r} contains a NUL character")


async def probe(program: str = "bwrap") -> Level:
    """Try a sandbox as containers get it; takes about 10 ms."""
    path = shutil.which(program)
    if path is None:
        return Level("plain", reason=f"{program} is not installed (package bubblewrap)")
    command = [path, *bubblewrap.arguments(_TRIAL), "--", *_TRIAL.argv]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode == 0:
        return Level("bubblewrap", program=path)
    return Level("plain", reason=said.decode(errors="replace").strip() or f"{program} fails")
