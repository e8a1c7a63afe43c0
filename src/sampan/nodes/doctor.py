"""What `sampan doctor` says of the node: how pods are isolated, what is missing, what helps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from msgspec import Struct

from sampan.config import Config
from sampan.nodes import gpus
from sampan.nodes.images import python
from sampan.nodes.sandbox.level import Level, probe
from sampan.nodes.supervisor.limits import Groups

_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


class Finding(Struct, frozen=True):
    """`remedy` says what to do; it is empty when all is well."""

    level: Literal["ok", "warning", "error"]
    subject: str
    message: str
    remedy: str = ""


def examine(config: Config, home: Path) -> list[Finding]:
    """Look at this machine; starts one trial sandbox and changes nothing."""
    level = asyncio.run(probe())
    if config.sandbox == "plain":
        level = Level("plain", reason="config.yaml asks for plain processes")
    memory = "cgroup" if Groups("doctor").close() else "polling"
    count = gpus.found() if config.gpus is None else config.gpus
    return judge(level, memory, count)


def judge(level: Level, memory: str, gpu_count: int) -> list[Finding]:
    """The findings, from what was found. Pure but for one look at AppArmor."""
    return [
        _sandbox(level),
        _memory(memory),
        Finding("ok", "cpu limits", "cpu requests are counted by the scheduler; not enforced"),
        Finding("ok", "network", "pods share this machine's network; each has a 127.x.y.z address"),
        Finding("ok", "python", f"python images run on Python {python.host_version()}"),
        Finding("ok", "gpus", f"{gpu_count} NVIDIA GPUs"),
    ]


def _sandbox(level: Level) -> Finding:
    if level.kind == "bubblewrap":
        return Finding("ok", "sandbox", "bubblewrap: own mounts, processes, hostname; home hidden")
    message = (
        "plain processes: pods see this machine's files and processes, and mount paths are "
        f"rewritten in arguments and variables ({level.reason})"
    )
    remedy = "install bubblewrap (apt install bubblewrap, dnf install bubblewrap)"
    if "is not installed" not in level.reason and _restricted():
        remedy = (
            "allow bubblewrap user namespaces: an AppArmor profile with `userns,`, or "
            "sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        )
    return Finding("warning", "sandbox", message, remedy)


def _memory(memory: str) -> Finding:
    if memory == "cgroup":
        return Finding("ok", "memory limits", "enforced by cgroups")
    return Finding(
        "ok", "memory limits", "watched five times a second; a pod that is above is killed"
    )


def _restricted() -> bool:
    try:
        return _APPARMOR.read_text().strip() == "1"
    except OSError:
        return False
