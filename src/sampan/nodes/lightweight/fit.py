"""The sandbox of a component whose packages are there: the same without the installing. Pure.

Packages lie in directories of their own, mounted read-only. Where pip would have put them, in the
user's site directory, is a `.pth` file instead that leads to them: so every interpreter in the
container finds them in the usual order, and what the function installs itself goes where it always
does. An environment that has no such directory is told by PYTHONPATH.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sampan.nodes.lightweight import sdk
from sampan.nodes.lightweight.interpreter import Python
from sampan.nodes.lightweight.recognise import Lightweight
from sampan.nodes.sandbox.spec import Component, Mount, Sandbox
from sampan.nodes.supervisor.component import PTH

PLACE = "/run/sampan/packages"
"""Where a container sees its layer."""
HOME = "/root"
_LOCAL = f"{HOME}/.local"


class Packages(Struct, frozen=True):
    """Where the SDK and the other packages of a component lie on the host; None for what it needs
    none of, or has in its environment."""

    sdk: Path | None = None
    layer: Path | None = None


class Fitted(Struct, frozen=True):
    """files: what has to lie in the container's home, by its path there. layer: the key of what it
    uses."""

    box: Sandbox
    files: Mapping[str, str] = {}
    layer: str = ""


def obstacle(box: Sandbox, python: Python) -> str:
    """Why packages cannot be put in front of this container; "" if they can."""
    if not python.user:
        return "PYTHONPATH is the pod's own" if "PYTHONPATH" in box.env else ""
    if box.env.get("HOME") != HOME:
        return "HOME is elsewhere"
    if "PYTHONUSERBASE" in box.env or box.env.get("PYTHONNOUSERSITE"):
        return "the user's packages are elsewhere"
    targets = [mount.target.rstrip("/") for mount in box.mounts]
    if targets.count(HOME) != 1 or any(f"{at}/".startswith(f"{_LOCAL}/") for at in targets):
        return "a volume is where packages would be"
    return ""


def fit(box: Sandbox, found: Lightweight, python: Python, packages: Packages) -> Fitted:
    """There must be no obstacle."""
    places = [str(packages.sdk)] if packages.sdk else []
    mounts = [Mount(place, place, True) for place in places]
    env = dict(box.env)
    layers: tuple[str, ...] = ()
    if packages.layer is not None:
        mounts.append(Mount(PLACE, str(packages.layer), True))
        layers = (site_of(PLACE, python),)
        search = env.get("PATH", "").split(":")
        if f"{_LOCAL}/bin" in search:
            search.insert(search.index(f"{_LOCAL}/bin") + 1, f"{PLACE}/bin")
            env["PATH"] = ":".join(search)
    files = {}
    if python.user and (places or layers):
        lines = (f"import site; site.addsitedir({place!r})\n" for place in (*places, *layers))
        files = {f"{site_of('.local', python)}/{PTH}": "".join(lines)}
    elif places or layers:
        env["PYTHONPATH"] = ":".join((*places, *layers))
    return Fitted(
        replace(
            box,
            argv=found.script,
            env=env,
            mounts=(*box.mounts, *mounts),
            component=_component(found, python, tuple(places), layers),
        ),
        files,
        packages.layer.parent.name if packages.layer else "",
    )


def _component(
    found: Lightweight, python: Python, sites: tuple[str, ...], layers: tuple[str, ...]
) -> Component | None:
    """What a fork can do; None where only a fresh interpreter is the same."""
    if found.module != sdk.MODULE or not found.runtime or not (sites or python.sdk):
        return None
    if layers and not python.user:
        return None  # PYTHONPATH comes before the standard library
    return Component(
        module=found.module,
        argv=("--component_module_path", None, *found.argv),
        source=found.source,
        variables={"_KFP_RUNTIME": "true"},
        imports=sdk.IMPORTS,
        sites=sites,
        layers=layers,
    )


def site_of(base: str, python: Python) -> str:
    """Where packages lie below the base of a user's packages."""
    return f"{base}/lib/python{python.version}/site-packages"
