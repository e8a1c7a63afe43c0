"""pip as Sampan runs it for itself, outside of any sandbox.

That is safe since no pod has a say in it: what is asked for is named by Sampan, pip runs with the
settings of whoever runs Sampan, and only wheels are taken, which are unpacked and of which nothing
is run.
"""

from __future__ import annotations

import asyncio
import os
import sys

_PATIENCE = 180.0  # seconds for pip, which tries a network that fails five times
OURS = "{}.{}".format(*sys.version_info)


class Unavailable(Exception):
    """It cannot be had; the text says why."""


async def pip(verb: str, *words: str, python: str = OURS, patience: float = _PATIENCE) -> None:
    """`install --target …` or `download --dest …` without dependencies, for a version of Python.
    Unavailable when that fails."""
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps",
               "--only-binary", ":all:"]  # fmt: skip
    if python != OURS:
        options += ["--python-version", python]
    said = "there is no pip"
    for program in dict.fromkeys((f"{sys.base_prefix}/bin/python{OURS}", sys.executable)):
        if not os.access(program, os.X_OK):
            continue
        command = [program, "-I", "-m", "pip", verb, *options, *words]
        code, said = await _run(command, patience)
        if code == 0:
            return
        if "No module named pip" not in said:
            break
    raise Unavailable(said.strip().rpartition("\n")[2])


async def _run(words: list[str], patience: float) -> tuple[int, str]:
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *words, stdin=null, stdout=null, stderr=pipe, cwd="/"
    )
    try:
        async with asyncio.timeout(patience):
            _, said = await process.communicate()
    except TimeoutError:
        return 1, f"pip was not ready after {patience:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace")
