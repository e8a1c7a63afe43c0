"""What config.yaml says of images, read again when the file changes: a pod that waits for a line in
the table starts when it is there.

Everything else in the file counts at start only. A program that was started with another file
(`up --config`) follows nothing, which shows in what the two say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sampan.config import Config, load
from sampan.kube.errors import UserMistake

log = logging.getLogger(__name__)


class Follower:
    def __init__(self, path: Path, config: Config, tell: Callable[[Config], None]) -> None:
        """`tell` is called with a config whose images are other ones."""
        self._path = path
        self._tell = tell
        self._stamp = _stamp(path)
        self._said = _about(config)
        self._ours = _said_by(path) == self._said

    def look(self) -> None:
        """Costs one look at the file's time as long as that stays the same."""
        stamp = _stamp(self._path)
        if not self._ours or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            config = load(self._path)
        except (UserMistake, OSError) as error:
            log.warning("images stay as they were: %s", error)
            return
        if _about(config) != self._said:
            self._said = _about(config)
            self._tell(config)


def _about(config: Config) -> tuple[Any, ...]:
    return config.images, config.image_mirror, config.mirrors, config.registries


def _said_by(path: Path) -> tuple[Any, ...] | None:
    try:
        return _about(load(path))
    except (UserMistake, OSError):
        return None


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino
