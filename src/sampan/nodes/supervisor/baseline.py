"""What a zygote's interpreter looked like before any fork, and whether a new one would be like it.

`matches` compares with what a fresh interpreter would find inside the sandbox: its own program, its
prefix, each directory of its path by device and inode, no packages of the user, nothing beside the
script that has the name of a module that is loaded already. Who is not sure says no: then the
program is started as usual. CPython 3.9 to 3.13.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import sys

from sampan.nodes.supervisor import component

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_VERSIONS = ((3, 9), (3, 13))
"""Those whose start was compared with ours, test by test."""
_ITS_OWN = {"__main__", "builtins", "sys"}

api = ctypes.pythonapi


class Baseline:
    """The zygote's interpreter before any fork."""

    def __init__(self, fresh: set[str], named: set[str], sites: list[str]) -> None:
        """`fresh` modules are in any interpreter, `named` ones in this environment's forks. `sites`
        were put on the path beside the environment's own."""
        self.kept = named
        self.extra = {name.partition(".")[0] for name in named - fresh}
        self.foreign = component.foreign(named)
        self.sites = sites
        self.path = list(sys.path)
        self.places = {place: _identity(place) for place in self.path}
        self.program = _identity("/proc/self/exe")
        self.executable = sys.executable
        self.hook = getattr(sys, "__interactivehook__", None)
        self.ctype = os.environ.get("LC_CTYPE")
        self._modules = {name: sys.modules[name] for name in named - _ITS_OWN}

    def settle(self) -> None:
        """Leave what is loaded to the kernel when a fork ends. To take it apart object by object
        means a copy of each page that we share, 10 ms with numpy; what the program itself has
        made is taken apart as ever. Registered first, it runs after the program's own callbacks.
        """
        loaded = list(sys.modules.values())  # our own, too, which every fork forgets at once
        for immortal in (self._modules, loaded, *loaded):
            api.Py_IncRef(ctypes.py_object(immortal))
        atexit.register(self._let_go)
        gc.collect()
        gc.freeze()

    def _let_go(self) -> None:
        for name, module in self._modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]

    def files(self) -> list[str]:
        """Files and directories whose change makes this zygote an old one."""
        prefix = os.path.dirname(os.path.dirname(self.executable))
        found = [*self.path, prefix + "/pyvenv.cfg", os.path.realpath(self.executable)]
        return [place for place in found if os.path.exists(place)]

    def matches(self, spec: Mapping[str, Any]) -> bool:
        """Whether a fresh interpreter would be like this one. Inside the sandbox."""
        wanted = spec["program"]
        program = find(words(spec)[0], spec["env"].get("PATH", os.defpath))
        if program is None or _identity(program) != self.program:
            return False
        wanted["path"] = program
        if not self._same_prefix(os.path.dirname(program)):
            return False
        if any(_identity(place) != found for place, found in self.places.items()):
            return False
        if not component.settled(wanted, user_site(spec["env"]["HOME"])):
            return False
        if any(self.foreign & _names(layer) for layer in wanted.get("layers", ())):
            return False
        if wanted["what"] is None or not self.extra:  # a directory with nothing else in it
            return True
        return not self.extra & _names(first_place(wanted))

    def _same_prefix(self, directory: str) -> bool:
        if sys.prefix != sys.base_prefix:
            return directory == os.path.dirname(self.executable)
        above = os.path.dirname(directory)
        return not any(os.path.exists(place + "/pyvenv.cfg") for place in (directory, above))


def obstacle() -> str:
    """Why this interpreter cannot be forked into another one; "" if it can."""
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} is not CPython"
    if not _VERSIONS[0] <= sys.version_info[:2] <= _VERSIONS[1]:
        return f"not tried with Python {sys.version_info[0]}.{sys.version_info[1]}"
    return ""


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def find(name: str, path: str) -> str | None:
    """Where the program is; None when it is not, or when its place is not clear."""
    places = [name] if "/" in name else [f"{place}/{name}" for place in path.split(":")]
    for place in places:
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place if place == os.path.normpath(place) and place[0] == "/" else None
    return None


def words(spec: Mapping[str, Any]) -> list[str]:
    """The command line that the program is to look like."""
    return list(spec["program"].get("words") or spec["argv"])


def first_place(program: Mapping[str, Any]) -> str:
    """What a fresh interpreter puts at the head of sys.path."""
    if program["mode"] == "module":
        return os.getcwd()
    if program["mode"] != "file":
        return ""
    path = os.path.join(os.getcwd(), program["what"])
    return path if is_package(path) else os.path.dirname(os.path.realpath(path))


def is_package(path: str) -> bool:
    """A directory or an archive, which is run by its `__main__`."""
    api.PyImport_GetImporter.restype = ctypes.py_object
    return api.PyImport_GetImporter(ctypes.py_object(path)) is not None


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def user_site(home: str) -> str:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return f"{home}/.local/lib/{version}/site-packages"


def _names(directory: str) -> set[str]:
    """Names that can be imported from the directory."""
    try:
        return {entry.partition(".")[0] for entry in os.listdir(directory or ".")}
    except OSError:
        return set()
