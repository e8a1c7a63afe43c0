"""What a pod has written, and what is left of the machine.

Measured by walking directories, as du does, in a thread; so it is done for the pods that have a
limit, and for all of them only when the disk runs low.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from sampan.kube.keys import Manifest
from sampan.nodes.life.eviction import Usage
from sampan.nodes.supervisor import process

_BLOCK = 512  # bytes, whatever the file system's own blocks are


def written(pod: Manifest, directory: Path) -> Usage:
    """The files of a pod whose own directory this is."""
    containers: dict[str, int] = {}
    for place in ("scratch", "containers"):
        for name, path in _entries(directory / place):
            container = name.rpartition(".")[0]
            containers[container] = containers.get(container, 0) + size(path)
    volumes = {
        volume["name"]: size(str(directory / "volumes" / volume["name"]))
        for volume in pod["spec"].get("volumes") or ()
        if "emptyDir" in volume
    }
    return Usage(containers, volumes)


def held(pids: Mapping[str, int]) -> Usage:
    """The memory of running containers, given their first processes."""
    return Usage({name: process.resident(pid) for name, pid in pids.items()})


def size(path: str) -> int:
    """Bytes on the disk of everything below the path; what vanishes meanwhile counts nothing."""
    total = 0
    waiting = [path]
    while waiting:
        for entry in _scan(waiting.pop()):
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
            except OSError:
                continue
    return total


def disk_left(path: Path) -> int:
    return shutil.disk_usage(path).free


def memory_left() -> int | None:
    """Bytes that can be had without swapping; None where the system does not say."""
    try:
        with open("/proc/meminfo") as file:
            return next(int(line.split()[1]) << 10 for line in file if "MemAvailable:" in line)
    except (OSError, StopIteration):
        return None


def _scan(path: str) -> Iterable[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError:
        return ()


def _entries(directory: Path) -> list[tuple[str, str]]:
    return [(entry.name, entry.path) for entry in _scan(str(directory))]
