"""NVIDIA GPUs: how many there are, and which container has which.

A container that asks for none sees none: bubblewrap's /dev has no NVIDIA devices. Sharing and MIG
are not known here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from sampan.kube import quantities

RESOURCE = "nvidia.com/gpu"
_COMMON = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset")
_DEVICE = re.compile(r"nvidia\d+")


def found() -> int:
    """GPUs of this machine, by their device files; no program is run."""
    try:
        return sum(bool(_DEVICE.fullmatch(name)) for name in os.listdir("/dev"))
    except OSError:
        return 0


def wanted(container: Mapping[str, Any]) -> int:
    limits = (container.get("resources") or {}).get("limits") or {}
    return quantities.value(limits.get(RESOURCE, 0))


class Gpus:
    """Hands out devices by index; the scheduler has made sure that there are enough."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = list(range(count))
        self._held: dict[str, list[int]] = {}

    def take(self, identity: str, count: int) -> list[int]:
        """The indices for this container, the same again if it has some already."""
        if identity not in self._held and count:
            self._held[identity] = self._free[:count]
            del self._free[:count]
        return self._held.get(identity, [])

    def hold(self, identity: str, indices: list[int]) -> None:
        """What an adopted container already has."""
        self._held[identity] = indices
        self._free = [index for index in self._free if index not in indices]

    def release(self, identity: str) -> None:
        self._free = sorted([*self._free, *self._held.pop(identity, ())])


def devices(indices: list[int]) -> tuple[str, ...]:
    return (*_COMMON, *(f"/dev/nvidia{index}" for index in indices)) if indices else ()


def variables(indices: list[int]) -> dict[str, str]:
    listed = ",".join(map(str, indices))
    return {"NVIDIA_VISIBLE_DEVICES": listed, "CUDA_VISIBLE_DEVICES": listed} if indices else {}
