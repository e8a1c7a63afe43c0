"""What a fork does on top of becoming an interpreter, when it runs a component of a pipeline.

The component's command would write its function to a file in a new directory, and its packages
would be the user's own (`~/.local`). The packages lie elsewhere here, and a `.pth` file says so to
every interpreter that starts in the container; a fork has started before, and so it is told.
Runs in users' interpreters, from Python 3.9.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PTH = "sampan.pth"
"""In the user's site directory of a component's container, and nothing else is."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def foreign(named: set[str]) -> set[str]:
    """Of loaded modules the top-level ones that packages may bring, too, before the environment's
    own. The standard library comes before everything."""
    known: Any = getattr(sys, "stdlib_module_names", ())
    return {name.partition(".")[0] for name in named} - set(known)


def settled(program: Mapping[str, Any], user_site: str) -> bool:
    """Whether the user's site directory holds what a fork can be told of."""
    if not os.path.isdir(user_site):
        return True
    return bool(program.get("words")) and os.listdir(user_site) == [PTH]


def write(spec: dict[str, Any]) -> bool:
    """The file of the function, as `mktemp -d` and `printf` would make it; whether that worked.
    Its path replaces None in the arguments."""
    program = spec["program"]
    if None not in (program["what"], *program["argv"]):
        return True
    random = os.urandom(10)
    name = "".join(_LETTERS[byte % len(_LETTERS)] for byte in random)
    directory = f"{spec['env'].get('TMPDIR') or '/tmp'}/tmp.{name}"
    path = f"{directory}/{program['name']}"
    try:
        os.mkdir(directory, 0o700)
        with open(path, "wb") as file:
            file.write(program["source"].encode("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return False
    program["what"] = path if program["what"] is None else program["what"]
    for name in ("argv", "words"):
        program[name] = [path if word is None else word for word in program[name]]
    return True


def add_packages(program: Mapping[str, Any], sites: list[str], user_site: str) -> None:
    """What `site` would have done with the `.pth` file. `sites` are already on the path."""
    site: Any = sys.modules["site"]
    before = list(sys.path)
    own = [*sites, *site.getsitepackages()]
    at = min([before.index(place) for place in own if place in before] or [len(before)])
    for layer in program["layers"]:
        site.addsitedir(layer)
    added = [place for place in sys.path if place not in before]
    user = [user_site] if os.path.isdir(user_site) else []
    sys.path[:] = [*before[:at], *user, *added, *before[at:]]
