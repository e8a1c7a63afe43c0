"""Python environments of this machine as containers see them.

An environment is a prefix with `bin/python3`: a virtual environment, conda's, pyenv's, `/usr`. It
is read-only; what a container installs with pip goes to `/root/.local` of that container. `python`
and `pip` are always on PATH, even where the distribution has only `python3`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from msgspec.structs import replace

from sampan.nodes.images.runtime import Runtime
from sampan.nodes.sandbox.spec import Interpreter, Mount

_ALIASES = "/run/sampan/python"
_PIP = '#!/bin/sh\nexec python3 -m pip "$@"\n'
_LOCAL = "/root/.local"


def host_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def managed(aliases: Path) -> Runtime:
    """The interpreter that runs Sampan, without Sampan's own packages. `aliases` is a directory
    that is filled here."""
    prefix = sys.base_prefix
    _fill(aliases, _program(prefix))
    return Runtime(
        identity=f"sampan://python-{host_version()}",
        said=f"Python {host_version()} of this machine",
        path=(_ALIASES, f"{prefix}/bin", f"{_LOCAL}/bin"),
        env={"PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        command=("python3",),
        visible=(prefix,),
        mounts=(Mount(_ALIASES, str(aliases), True),),
        interpreter=Interpreter(_program(prefix), prefixes=(prefix,)),
        python=prefix,
    )


def virtual(prefix: Path) -> None:
    """Make a directory a virtual environment of the interpreter that runs Sampan. It has that one's
    packages and its pip, which installs for the user, as everything here is read-only."""
    program = _program(sys.base_prefix)
    _fill(prefix / "bin", program)
    lines = (f"home = {os.path.dirname(program)}", "include-system-site-packages = true",
             f"version = {host_version()}")  # fmt: skip
    (prefix / "pyvenv.cfg").write_text("\n".join(lines) + "\n")


@lru_cache(maxsize=64)
def at(prefix: str) -> Runtime | None:
    """The environment at a prefix; None when there is no `bin/python3`."""
    python = Path(prefix, "bin", "python3")
    if not python.exists():
        return None
    base = _base(Path(prefix))
    env = {} if base == prefix else {"VIRTUAL_ENV": prefix}
    return Runtime(
        identity=f"sampan://python{prefix}",
        said=f"the Python environment {prefix}",
        path=(f"{prefix}/bin", f"{_LOCAL}/bin"),
        env=env,
        command=("python3",),
        visible=tuple(dict.fromkeys((prefix, base))),
        python=prefix,
    )


def warmed(environment: Runtime, modules: tuple[str, ...]) -> Runtime:
    """The environment of `at` with an interpreter that is kept warm."""
    prefix = environment.visible[0]
    interpreter = Interpreter(f"{prefix}/bin/python3", modules, environment.visible)
    return replace(environment, interpreter=interpreter)


def outside(home: Path) -> Callable[[str], bool]:
    """Whether a program lies outside of Sampan's home. What lies in it may have been written by a
    pod, and is not to be run without a sandbox."""
    inside = os.path.realpath(home) + "/"

    def is_outside(program: str) -> bool:
        places = (program, os.path.dirname(program))
        return not any(os.path.realpath(place).startswith(inside) for place in places)

    return is_outside


def _program(prefix: str) -> str:
    """Our own interpreter."""
    python = f"{prefix}/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    return python if os.path.exists(python) else os.path.realpath(sys.executable)


def _fill(directory: Path, python: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        link = directory / name
        if not link.is_symlink() or os.readlink(link) != python:
            link.unlink(missing_ok=True)
            link.symlink_to(python)
    for name in ("pip", "pip3"):
        script = directory / name
        if not script.exists():
            script.write_text(_PIP)
            script.chmod(0o755)


def _base(prefix: Path) -> str:
    """Where a virtual environment's interpreter comes from; the prefix itself if it is none."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text().splitlines()
    except OSError:
        return str(prefix)
    settings = dict(line.split(" = ", 1) for line in lines if " = " in line)
    home = settings.get("home", "")
    return os.path.dirname(os.path.realpath(home)) if home else str(prefix)
