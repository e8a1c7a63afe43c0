"""Where things lie below $SAMPAN_HOME, and what the user may set in config.yaml.

`Home` only knows paths and the small files with which the command line finds a running program;
nothing outside it is ever written. `Config` is one frozen value, read once at start; an unknown key
is a mistake that is named, not ignored.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from sampan.kube.errors import UserMistake
from sampan.lib import yaml


class Image(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the images table: what a pod whose image matches runs in.

    match: an image name or a pattern with `*` (`registry.example/team/*`).
    python: the prefix of a Python environment. rootfs: a directory with a root file system.
    host: the machine's own files. Exactly one of the three. entrypoint: run when the pod names no
    command.
    """

    match: str
    python: str = ""
    rootfs: str = ""
    host: bool = False
    entrypoint: tuple[str, ...] = ()


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """config.yaml. Ports: 0 picks a free one."""

    port: int = 8080
    api_port: int = 6443
    without: tuple[str, ...] = ()
    user: str = "user@example.com"
    images: tuple[Image, ...] = ()
    image_mirror: str = ""
    gpus: int | None = None
    sandbox: Literal["", "bubblewrap", "plain"] = ""  # "" tries bubblewrap first, others insist


def load(path: Path, **settings: Any) -> Config:
    """The file's settings, overridden by those given. UserMistake when it cannot be right."""
    found: Any = {}
    if path.exists():
        try:
            found = yaml.load(path.read_text()) or {}
        except yaml.YamlError as error:
            raise UserMistake(f"{path}: {error}") from error
    try:
        config = msgspec.convert(found, Config)
    except msgspec.ValidationError as error:
        raise UserMistake(f"{path}: {error}") from error
    for image in config.images:
        if sum((bool(image.python), bool(image.rootfs), image.host)) != 1:
            raise UserMistake(
                f"{path}: image {image.match!r} needs exactly one of python, rootfs, host"
            )
    return msgspec.structs.replace(config, **settings)


class State(Struct, frozen=True):
    """What a running program tells those who look for it."""

    pid: int
    gateway: str
    api: str
    kubeconfig: str


class Home:
    """The directory that holds everything, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def at(cls, given: str | None) -> Home:
        chosen = given or os.environ.get("SAMPAN_HOME") or "~/.sampan"
        return cls(Path(chosen).expanduser().absolute())

    @property
    def kubeconfig(self) -> Path:
        return self.path / "kubeconfig"

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def log(self) -> Path:
        return self.path / "sampan.log"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def store(self) -> Path:
        return self.path / "store"

    @property
    def node(self) -> Path:
        return self.path / "node"

    @property
    def volumes(self) -> Path:
        return self.path / "volumes"

    @property
    def _state(self) -> Path:
        return self.path / "state.json"

    def make(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def announce(self, state: State) -> None:
        """Write the state in one step, so that nobody reads half of it."""
        draft = self._state.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(state))
        draft.replace(self._state)

    def retract(self) -> None:
        self._state.unlink(missing_ok=True)

    def running(self) -> State | None:
        """The state of the program that runs here, or None. One that crashed has left its file
        behind: whoever runs holds the lock, and the caller compares that."""
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=State)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
