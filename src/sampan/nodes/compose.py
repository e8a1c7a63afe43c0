"""From a container of a pod to the sandbox that it runs in.

Everything that a container sees is decided here: variables, command, mounts, identity, limits.
No processes are started. `Unrunnable` carries the waiting reason of what cannot be started.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from sampan.kube.keys import Manifest
from sampan.nodes import environment, gpus, hosts
from sampan.nodes.facts import ConfigError, PodFacts
from sampan.nodes.images.runtime import Runtime, argv
from sampan.nodes.sandbox.spec import Limits, Mount, Sandbox
from sampan.nodes.volumes.prepare import PodVolumes


class Unrunnable(Exception):
    """The container cannot be started as it is; `reason` goes into its status."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Directories(Struct, frozen=True):
    """What lies on disk for one attempt of a container. `pod` is the pod's directory."""

    pod: Path
    container: str
    attempt: int

    @property
    def scratch(self) -> Path:
        return self.pod / "scratch" / f"{self.container}.{self.attempt}"

    @property
    def termination(self) -> Path:
        return self.scratch / "termination"

    @property
    def gpus(self) -> Path:
        return self.scratch / "gpus"

    @property
    def logs(self) -> Path:
        return self.pod / "containers" / f"{self.container}.{self.attempt}"

    def make(self, hosts_file: str) -> None:
        """Fresh /tmp and home, an empty termination message, the pod's /etc/hosts."""
        base = str(self.scratch)
        os.makedirs(base)
        for name in ("tmp", "root"):
            os.mkdir(f"{base}/{name}")
        os.chmod(f"{base}/tmp", 0o1777)
        os.close(os.open(str(self.termination), os.O_CREAT | os.O_WRONLY, 0o666))
        path = str(self.pod / "hosts")
        if not os.path.exists(path):
            with open(path, "w") as file:
                file.write(hosts_file)
            os.chmod(path, 0o644)


class Surroundings(Struct, frozen=True, kw_only=True):
    """What the node adds. `hidden` is never seen inside; `gpus` are indices."""

    hidden: tuple[str, ...]
    services: Mapping[str, str]
    gpus: list[int] = []
    limits: Limits = Limits()


def compose(
    facts: PodFacts,
    container: Mapping[str, Any],
    runtime: Runtime,
    volumes: PodVolumes,
    place: tuple[Directories, Surroundings],
) -> Sandbox:
    """The sandbox. ConfigError when something referred to is missing, Unrunnable otherwise."""
    directories, around = place
    pod, hostname = facts.pod, hosts.hostname(facts.pod)
    declared = environment.variables(facts, container, around.services)
    env = {**runtime.variables(), "HOSTNAME": hostname, **gpus.variables(around.gpus), **declared}
    command = _expanded(argv(runtime, container.get("command"), container.get("args")), declared)
    if not command:
        message = f'no command is known for image "{container["image"]}": set "command"'
        raise Unrunnable("CreateContainerError", message)
    uid, gid = _identity(pod, container)
    context = container.get("securityContext") or {}
    mounts = volumes.mounts(container, lambda text: environment.expand(text, declared))
    return Sandbox(
        argv=command,
        env=env,
        root=runtime.root,
        cwd=container.get("workingDir") or "/",
        hostname=hostname,
        uid=uid,
        gid=gid,
        mounts=(
            *_own_mounts(directories, container),
            *runtime.mounts,
            *sorted(mounts, key=lambda mount: mount.target.count("/")),
        ),
        hidden=around.hidden,
        visible=runtime.visible,
        devices=gpus.devices(around.gpus),
        read_only=bool(context.get("readOnlyRootFilesystem")),
        limits=around.limits,
        stdin=bool(container.get("stdin")),
        tty=bool(container.get("tty")),
    )


def _expanded(words: tuple[str, ...], variables: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(environment.expand(word, variables) for word in words)


def _own_mounts(directories: Directories, container: Mapping[str, Any]) -> tuple[Mount, ...]:
    base = str(directories.scratch)
    message = container.get("terminationMessagePath") or "/dev/termination-log"
    return (
        Mount("/tmp", f"{base}/tmp"),
        Mount("/root", f"{base}/root"),
        Mount("/etc/hosts", str(directories.pod / "hosts")),
        Mount(message, str(directories.termination)),
    )


def _identity(pod: Manifest, container: Mapping[str, Any]) -> tuple[int, int]:
    """(uid, gid) inside. Images of this node have no user of their own, so root it is."""
    outer = pod["spec"].get("securityContext") or {}
    inner = container.get("securityContext") or {}
    uid = int(inner.get("runAsUser", outer.get("runAsUser", 0)) or 0)
    gid = int(inner.get("runAsGroup", outer.get("runAsGroup", 0)) or 0)
    if inner.get("runAsNonRoot", outer.get("runAsNonRoot")) and uid == 0:
        raise ConfigError("container has runAsNonRoot and image will run as root")
    return uid, gid
