"""Artifacts of a task on their way from its container to their store.

A task writes them into a directory of its own, on the disk of the local repository, so that what
goes there is given a second name and not copied. Links are resolved before, as the program saw
them, and digests taken; nothing that the program could still change is in the store.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sampan.artifacts import Artifacts, digests, trees
from sampan.artifacts.digests import Digest
from sampan.artifacts.providers import Stores
from sampan.artifacts.store import Secrets
from sampan.kube import locations
from sampan.nodes.executor.view import View
from sampan.nodes.launcher.tidying import tidy


class Keeper:
    """For one task. `scratch` is the container's own directory, where nobody writes any more."""

    def __init__(
        self,
        artifacts: Artifacts,
        stores: Stores,
        secrets: Secrets,
        namespace: str,
        *,
        go_on: Callable[[], None],
    ) -> None:
        """`go_on` is called while something takes long, and raises when nobody waits for it."""
        self._go_on = go_on
        self._artifacts = artifacts
        self._stores = stores
        self._secrets = secrets
        self._namespace = namespace

    def keep(
        self, views: tuple[View, Callable[[], View]], scratch: Path, path: str, uri: str
    ) -> Digest | None:
        """What the program saw at `path` becomes the artifact at `uri`. None when nothing is
        there; OSError, Fault. `views` are the one to find it in, and all that the program saw."""
        view, whole = views
        location = self._stores.location(uri)
        try:
            with view.pinned(path) as found:
                source = found.source
                if not source.startswith(f"{scratch}/"):  # a volume, which others may write to
                    source = str(scratch / f"kept-{os.urandom(6).hex()}")
                    trees.copy(found.path, source)
        except (FileNotFoundError, NotADirectoryError):
            return None
        tidy(source, whole, path)
        digest = digests.of(source, go_on=self._go_on)
        self.save(location, Path(source))
        return digest

    def publish(self, uri: str, source: Path) -> None:
        """As `save`, by URI."""
        self.save(self._stores.location(uri), source)

    def save(self, location: locations.Location, source: Path) -> None:
        """Keep a file or directory that is ours alone. Fault."""
        self._artifacts.save(
            location, source, self._secrets, namespace=self._namespace, consume=True
        )
