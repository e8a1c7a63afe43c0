"""Lightweight components of one pod: what they need is had, and they are started without pip.

The container waits as for an image, and events say for what. Where something stands in the way, its
command runs as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sampan.nodes import errands
from sampan.nodes.cell import Cell, identity
from sampan.nodes.compose import Directories, Surroundings, compose
from sampan.nodes.context import Context
from sampan.nodes.facts import PodFacts
from sampan.nodes.images.runtime import Runtime
from sampan.nodes.life.seen import Waiting
from sampan.nodes.lightweight import fit, interpreter, pip, requirements, sdk
from sampan.nodes.lightweight.fit import Fitted, Packages
from sampan.nodes.lightweight.interpreter import Python
from sampan.nodes.lightweight.layers import Recipe
from sampan.nodes.lightweight.recognise import Lightweight, recognise
from sampan.nodes.lightweight.stock import Abandoned, Told
from sampan.nodes.sandbox.spec import Sandbox
from sampan.nodes.supervisor.client import Gone, Refused
from sampan.nodes.volumes.prepare import PodVolumes
from sampan.nodes.wheels import Unavailable

_NET = ("hostAliases", "dnsConfig", "dnsPolicy", "hostNetwork")
"""What a pod says of its network: it decides where pip finds an index."""
_SYSTEM = ("//", "/etc/", "/usr/", "/lib/", "/root/", "/opt/", "/bin/")
"""With a volume in there, the pod has files of its own that pip may read."""


class Wish(Struct, frozen=True):
    """A container that is to be started. `make` makes the directories of one."""

    cell: Cell
    facts: PodFacts
    runtime: Runtime
    around: Surroundings
    make: Callable[[Directories], None]


class Components:
    """For one pod."""

    def __init__(self, context: Context, directory: Path, volumes: PodVolumes,
                 wake: Callable[[], None]) -> None:  # fmt: skip
        self._context = context
        self._directory = directory
        self._volumes = volumes
        self._wake = wake
        self._over = False

    def fit(self, wish: Wish, box: Sandbox) -> Fitted | None:
        """The sandbox with its packages, or as it is. None when it has to wait: the cell says for
        what."""
        found = recognise(box.argv)
        python = interpreter.at(wish.runtime.python) if found and wish.runtime.python else None
        if found is None or python is None or self._context.level.kind == "plain":
            return Fitted(box)
        recipe = self._recipe(wish, box, found, python)
        if fit.obstacle(box, python) or (found.installs and recipe is None):
            return Fitted(box)
        try:
            return self._fit(wish, box, (found, python, recipe))
        except Unavailable:
            return Fitted(box)

    def leave(self) -> None:
        """The pod is over."""
        self._over = True
        self._context.errands.end(self._directory.name)

    def _fit(
        self, wish: Wish, box: Sandbox, known: tuple[Lightweight, Python, Recipe | None]
    ) -> Fitted | None:
        (found, python, recipe), stock = known, self._context.stock
        missing, packages = [], Packages()
        if found.kfp and not (python.sdk and sdk.stands_for(python.sdk, found.kfp)):
            tell = self._teller(wish, f"kfp {found.kfp}")
            packages = replace(packages, sdk=stock.sdk(found.kfp, python.version, tell))
            if packages.sdk is None:
                missing.append(f"kfp {found.kfp}")
        if recipe is not None:
            tell = self._teller(wish, f"packages: {recipe.said}")

            async def install(directory: Path) -> None:
                await self._install(wish, recipe, python, directory)

            packages = replace(packages, layer=stock.layer(recipe, tell, install))
            if packages.layer is None:
                missing.append(recipe.said)
        if missing:
            wish.cell.waiting = Waiting("ContainerCreating", f"installing {', '.join(missing)}")
            return None
        return fit.fit(box, found, python, packages)

    def _teller(self, wish: Wish, what: str) -> Callable[[Told], None]:
        """Says what happens, and lets the container be started when it has happened."""
        emit, pod = self._context.emit, wish.facts.pod

        def tell(told: Told) -> None:
            if self._over:
                return
            if told.text:
                text = told.text if told.good else f"{what}: {told.text}; its command runs as it is"
                kind = ("Normal", "Installed") if told.good else ("Warning", "FailedToInstall")
                emit(pod, *kind, text)
            wish.cell.waiting = None
            self._wake()

        return tell

    def _recipe(
        self, wish: Wish, box: Sandbox, found: Lightweight, python: Python
    ) -> Recipe | None:
        """What decides the contents of its layer; None when it needs none, or when the pod itself
        has a say in them."""
        env = requirements.variables(box.env)
        places = [mount["mountPath"] + "/" for mount in wish.cell.spec.get("volumeMounts") or ()]
        own = any(place.startswith(top) for place in places for top in _SYSTEM)
        if (
            not found.installs
            or env is None
            or own
            or not all(map(requirements.named, found.installs))
        ):
            return None
        said = {name: wish.facts.pod["spec"].get(name) for name in _NET}
        return Recipe(
            namespace=wish.facts.namespace,
            python=(python.prefix, python.version, python.stamp),
            calls=found.installs,
            env=tuple(sorted(env.items())),
            network=msgspec.json.encode(said, order="deterministic").decode(),
        )

    async def _install(self, wish: Wish, recipe: Recipe, python: Python, directory: Path) -> None:
        """Have pip fill the directory, in a sandbox as the container's, but with nothing of the pod
        in it. Unavailable or Abandoned when it does not."""
        context, facts = self._context, wish.facts
        context.emit(facts.pod, "Normal", "Installing", f"Installing packages: {recipe.said}")
        place = Directories(self._directory, errands.name(), 0)
        try:
            request = context.level.request(
                identity(wish.cell.uid, place.container, 0),
                pip.filling(self._empty(wish, place), recipe, python, directory,
                            wish.runtime.variables()),
            )  # fmt: skip
            wish.make(place)
            request["join"] = await context.networking.join(wish.cell.uid, facts.pod_ip)
            report = await context.errands.run(request)
        except Gone as error:
            raise Abandoned from error
        except (Refused, OSError, ValueError) as error:
            raise Unavailable(str(error)) from error
        finally:
            context.trash.add(place.scratch)
        if self._over:
            raise Abandoned
        if report.code:
            raise Unavailable(report.reason or f"pip has ended with {report.code}")

    def _empty(self, wish: Wish, place: Directories) -> Sandbox:
        spec = wish.cell.spec
        kept = {name: spec[name] for name in ("image", "securityContext") if name in spec}
        around = replace(wish.around, gpus=[], outputs=(), keep=False, artifacts=())
        return compose(
            wish.facts, {**kept, "name": place.container, "command": ["sh"]}, wish.runtime,
            self._volumes, (place, around),
        )  # fmt: skip
