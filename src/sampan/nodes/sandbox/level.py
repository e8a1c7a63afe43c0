"""Which kind of sandbox works on this machine, and why no better one."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from typing import Any, Literal

import msgspec
from msgspec import Struct

from sampan.nodes.sandbox import bubblewrap, namespaces, plain, warm
from sampan.nodes.sandbox.spec import Sandbox
from sampan.nodes.supervisor import zygotes

_TRIAL = Sandbox(argv=("/bin/true",), env={"PATH": os.defpath}, hidden=("/home", "/root"))
_ASKED = "config.yaml asks for it"


Kind = Literal["bubblewrap", "namespaces", "plain"]


class Level(Struct, frozen=True):
    """`reason` says why it is not a better one; it is empty with the best."""

    kind: Kind
    program: str = ""
    reason: str = ""

    def request(self, identity: str, box: Sandbox) -> dict[str, Any]:
        """What the supervisor is asked to start."""
        _refuse_nul(box)
        common = {"id": identity, "limits": box.limits, "stdin": box.stdin, "tty": box.tty}
        if self.kind == "plain":
            done = plain.rewritten(box)
            return {**common, "plain": True, "argv": done.argv, "env": done.env, "cwd": done.cwd}
        wanted = {**common, "plain": False, "argv": box.argv, "signal": int(box.stop_signal)}
        if box.overlay is not None:
            wanted["overlay"] = box.overlay
        planned = warm.plan(box)
        if isinstance(planned, warm.Plan):
            wanted["warm"] = planned
        if self.kind == "bubblewrap":
            wanted |= {"program": self.program, "args": bubblewrap.arguments(box)}
        if self.kind == "namespaces" or "warm" in wanted:
            wanted["sandbox"] = namespaces.description(box)
        return wanted


def _refuse_nul(box: Sandbox) -> None:
    """A NUL ends a string for the system, and starts another option for bubblewrap."""
    for text in (*box.argv, *box.env, *box.env.values(), box.cwd, *(m.target for m in box.mounts)):
        if "\0" in text:
            raise ValueError(f"{text!r} contains a NUL character")


async def probe(wanted: Kind | Literal[""] = "", program: str = "bwrap") -> Level:
    """The best level that works, or the wanted one; the plain one works always. Tries a sandbox
    as containers get it: about 10 ms with bubblewrap, 40 ms without."""
    reasons = []
    if wanted in ("", "bubblewrap"):
        found = await _try_bubblewrap(program)
        if found.kind == "bubblewrap":
            return found
        reasons.append(found.reason)
    if wanted in ("", "namespaces"):
        failure = await asyncio.to_thread(_try_namespaces)
        if not failure:
            return Level("namespaces", reason="; ".join(reasons) or _ASKED)
        reasons.append(failure)
    return Level("plain", reason="; ".join(reasons) or _ASKED)


async def _try_bubblewrap(program: str) -> Level:
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


def _try_namespaces() -> str:
    """Why we cannot make a sandbox ourselves; "" if we can. A zygote tries before it speaks, and
    ends when its connection does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = subprocess.Popen(
            zygotes.bare_command(theirs.fileno()),
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        said = ours.recv(65_536)
    _, error = process.communicate()
    last = error.decode(errors="replace").strip().rpartition("\n")[2]
    reason = msgspec.json.decode(said)["reason"] if said else "the trial failed"
    return f"namespaces: {last or reason}" if reason else ""
