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

from sampan.kube import quantities
from sampan.kube.errors import UserMistake
from sampan.lib import yaml


class Image(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the images table: what a pod whose image matches runs in.

    match: an image name or a pattern with `*` (`registry.example/team/*`).
    python: the prefix of a Python environment. rootfs: a directory with a root file system.
    host: the machine's own files. oci: the image itself, from its registry, or from the one that
    is named instead of `true`. Exactly one of the four. entrypoint: run when the pod names no
    command. warm: fork containers from an interpreter of the environment that is kept running and
    has imported these modules; `true` is none.
    """

    match: str
    python: str = ""
    rootfs: str = ""
    host: bool = False
    oci: bool | str = False
    entrypoint: tuple[str, ...] = ()
    warm: bool | tuple[str, ...] = False


class Mirror(Struct, frozen=True, forbid_unknown_fields=True):
    """Where images whose full names begin with `prefix` are asked for first. The rest of the name
    follows after `at`, its slashes replaced by `join` for registries that have no folders."""

    prefix: str
    at: str
    join: str = ""


class Registry(Struct, frozen=True, forbid_unknown_fields=True):
    """How a registry is spoken to. `host` with its port as in image names. insecure: plain HTTP.
    ca: a file with the certificates that it is to be believed by."""

    host: str
    username: str = ""
    password: str = ""
    insecure: bool = False
    ca: str = ""


class NodeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the node leaves to the rest of the machine. Amounts are quantities (`500m`, `1Gi`).

    reserved_memory, reserved_cpu: not for pods; "" for memory is a tenth of it, at most 2Gi.
    pods: how many at one time. pod_pids: tasks of one pod; 0 is no limit.
    memory_free, disk_free: with less than this left, the node takes no pods and ends some.
    log_size, log_files: of one run of a container, before the oldest lines go.
    cgroups: false keeps limits by other means, as where no cgroup can be made.
    """

    cgroups: bool = True
    reserved_memory: str = ""
    reserved_cpu: str = "0"
    pods: int = 500  # more than upstream's 110: a pod is a process, without a network of its own
    pod_pids: int = 0
    memory_free: str = "100Mi"
    disk_free: str = "1Gi"
    log_size: str = "10Mi"
    log_files: int = 5


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """config.yaml. Ports: 0 picks a free one.

    argo_port: serves the Argo Server's API also on a port of its own, with TLS, as upstream's does
    (on 2746); None, the default, does not. s3_port: of the S3 server. katib_port: of Katib's gRPC
    services, and of the proxy that leads there. hosts: names, beyond localhost, that this machine
    is called by in requests to the gateway, such as that of a reverse proxy. archive: keeps
    completed workflows when they are deleted: in a file of the home (true) or in a database (a URL
    as SQLAlchemy writes it). As upstream's it is off where nobody sets it up. archive_days: how
    long they are kept; 0 is for ever. records: a database (such a URL) for the runs and the lineage
    of pipelines and for what trials report, instead of files of the home. owner: programs on this
    machine of the user who runs Sampan need no token for the API of pipelines, nor a word for
    Katib's services (Linux).
    """

    port: int = 8080
    api_port: int = 6443
    argo_port: int | None = None
    s3_port: int = 0
    katib_port: int = 0
    hosts: tuple[str, ...] = ()
    archive: bool | str = False
    archive_days: int = 0
    records: str = ""
    without: tuple[str, ...] = ()
    owner: bool = True
    user: str = "user@example.com"
    images: tuple[Image, ...] = ()
    image_mirror: str = ""
    mirrors: tuple[Mirror, ...] = ()
    registries: tuple[Registry, ...] = ()
    gpus: int | None = None
    warm_python: bool = True
    sandbox: Literal["", "bubblewrap", "namespaces", "plain"] = ""  # "" tries them in this order
    network: Literal["", "pods", "host"] = ""  # "" gives pods a network where that can be had
    node: NodeSettings = NodeSettings()
    log: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    audit: bool = False  # each write and who asked for it, in audit.log


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
    _check_node(path, config.node)
    if config.archive_days < 0:
        raise UserMistake(f"{path}: archive_days must be at least 0")
    for image in config.images:
        if sum((bool(image.python), bool(image.rootfs), image.host, bool(image.oci))) != 1:
            raise UserMistake(
                f"{path}: image {image.match!r} needs exactly one of python, rootfs, host, oci"
            )
        _check_warm(path, image)
    return msgspec.structs.replace(config, **settings)


def _check_warm(path: Path, image: Image) -> None:
    if image.warm and not image.python:
        raise UserMistake(f"{path}: image {image.match!r}: only a python environment can be warm")
    for module in () if isinstance(image.warm, bool) else image.warm:
        if not all(part.isidentifier() for part in module.split(".")):
            raise UserMistake(f"{path}: image {image.match!r}: {module!r} is no module's name")


def _check_node(path: Path, node: NodeSettings) -> None:
    for name in ("reserved_memory", "reserved_cpu", "memory_free", "disk_free", "log_size"):
        text = getattr(node, name)
        try:
            sound = (not text and name == "reserved_memory") or quantities.parse(text) >= 0
        except ValueError:
            sound = False
        if not sound:
            raise UserMistake(f"{path}: node.{name}: {text!r} is no amount such as 512Mi")
    for name, least in (("pods", 1), ("pod_pids", 0), ("log_files", 2)):
        if getattr(node, name) < least:
            raise UserMistake(f"{path}: node.{name} must be at least {least}")


class State(Struct, frozen=True):
    """What a running program tells those who look for it."""

    pid: int
    gateway: str
    api: str
    kubeconfig: str
    argo: str = ""  # the Argo Server's own port, if it has one
    s3: str = ""  # the S3 server, if there are pipelines
    grpc_proxy: str = ""  # leads to Katib's gRPC services; with a word in it for the owner alone


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
    def audit(self) -> Path:
        return self.path / "audit.log"

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
    def images(self) -> Path:
        return self.path / "images"

    @property
    def packages(self) -> Path:
        return self.path / "packages"

    @property
    def artifacts(self) -> Path:
        return self.path / "artifacts"

    @property
    def records(self) -> Path:
        return self.path / "records"

    @property
    def volumes(self) -> Path:
        return self.path / "volumes"

    @property
    def _state(self) -> Path:
        return self.path / "state.json"

    def make(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def moved_from(self) -> str:
        """Where the home was at its last start, if that was elsewhere; from now on it is here."""
        mark = self.path / "place"
        former = mark.read_text() if mark.exists() else ""
        if former != str(self.path):
            mark.write_text(str(self.path))
        return "" if former == str(self.path) else former

    def announce(self, state: State) -> None:
        """Write the state in one step, so that nobody reads half of it. It has a word in it by
        which Katib's services know the owner."""
        draft = self._state.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(state))
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
