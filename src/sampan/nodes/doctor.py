"""What `sampan doctor` says of the node: how pods are isolated, what is missing, what helps."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sampan.config import Config
from sampan.nodes import gpus
from sampan.nodes.images import python
from sampan.nodes.network import mapping
from sampan.nodes.network.client import Network
from sampan.nodes.networking import Connection, connect
from sampan.nodes.sandbox.level import Level, probe
from sampan.nodes.supervisor import scope
from sampan.nodes.supervisor.cgroups import Groups
from sampan.nodes.supervisor.client import Kept
from sampan.nodes.supervisor.limits import facts

_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


_ALLOW = (
    "an AppArmor profile with `userns,`, or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
)


class Finding(Struct, frozen=True):
    """`remedy` says what to do; it is empty when all is well."""

    level: Literal["ok", "warning", "error"]
    subject: str
    message: str
    remedy: str = ""


def examine(config: Config, home: Path) -> list[Finding]:
    """Look at this machine; starts a trial sandbox and a trial network, and changes nothing."""
    level = asyncio.run(probe(config.sandbox))
    count = gpus.found() if config.gpus is None else config.gpus
    with tempfile.TemporaryDirectory(prefix="sampan-doctor-") as place:
        connection = asyncio.run(_connection(config, level, Path(place)))
    return judge(level, _kept(config.node.cgroups), connection, count)


async def _connection(config: Config, level: Level, place: Path) -> Connection:
    network = Network(place)
    connection, _ = await connect(network, config.network, level)
    await network.end()
    return connection


def _kept(cgroups: bool) -> Kept:
    """How limits would be kept here; makes a group and removes it again."""
    if cgroups and scope.command():
        return Kept("cgroup v2", "cgroup v2", "cgroup v2", "in a scope of the user's systemd")
    groups = Groups(f"doctor-{os.getpid()}", *([] if cgroups else ["/nonexistent"]))
    try:
        kept = msgspec.convert(facts(groups), Kept)
        return kept if cgroups else replace(kept, why="config.yaml says node.cgroups: false")
    finally:
        groups.close()


def judge(level: Level, limits: Kept, connection: Connection, gpu_count: int) -> list[Finding]:
    """The findings, from what was found. Pure but for AppArmor and newuidmap."""
    return [
        _sandbox(level),
        *_limits(limits),
        _network(connection),
        _images(level, several=mapping.several()),
        Finding("ok", "python", f"python images run on Python {python.host_version()}"),
        Finding("ok", "gpus", f"{gpu_count} NVIDIA GPUs"),
    ]


def _sandbox(level: Level) -> Finding:
    if level.kind == "bubblewrap":
        return Finding("ok", "sandbox", "bubblewrap: own mounts, processes, hostname; home hidden")
    if level.kind == "namespaces":
        message = "own namespaces: own mounts, processes, hostname; home hidden"
        return Finding("ok", "sandbox", f"{message} ({level.reason})")
    message = (
        "plain processes: pods see this machine's files and processes, and mount paths are "
        f"rewritten in arguments and variables ({level.reason})"
    )
    remedy = "install bubblewrap (apt install bubblewrap, dnf install bubblewrap)"
    if "is not installed" not in level.reason and _restricted():
        remedy = f"allow user namespaces: {_ALLOW}"
    return Finding("warning", "sandbox", message, remedy)


def _network(connection: Connection) -> Finding:
    if connection.kind == "pods":
        return Finding("ok", "network", str(connection))
    remedy = ""
    if _restricted():
        remedy = f"allow user namespaces: {_ALLOW}"
    level: Literal["ok", "warning"] = "ok" if "config.yaml" in connection.reason else "warning"
    return Finding(level, "network", str(connection), remedy)


def _images(level: Level, *, several: bool) -> Finding:
    if level.kind == "plain":
        remedy = "install bubblewrap (apt install bubblewrap, dnf install bubblewrap)"
        return Finding("warning", "images", "images of registries cannot be run", remedy)
    if several:
        return Finding("ok", "images", "images of registries run from their own files")
    return Finding(
        "ok",
        "images",
        "images of registries run from their own files, with one user each: those that start as "
        "root and become somebody else (nginx, postgres) fail",
        "install newuidmap (apt install uidmap), and see that you are in /etc/subuid, /etc/subgid",
    )


def _limits(kept: Kept) -> list[Finding]:
    said = {
        "memory": {"watch": "watched five times a second; a container that is above is killed"},
        "cpu": {"affinity": "a container runs on as many CPUs as its limit, rounded up"},
        "pids": {"": "not enforced: a pod may start as many processes as you may"},
    }
    found = []
    for name, texts in said.items():
        how = getattr(kept, name)
        if how.startswith("cgroup"):
            found.append(Finding("ok", f"{name} limits", f"enforced by {how}"))
            continue
        text = texts.get(how, "not enforced; the scheduler counts requests")
        reason = f" ({kept.why})" if kept.why else ""
        found.append(Finding("ok", f"{name} limits", text + reason, scope.advice()))
    return found


def _restricted() -> bool:
    try:
        return _APPARMOR.read_text().strip() == "1"
    except OSError:
        return False
