"""One container of the executor's image while it runs: a task of the control plane.

It has what a container has: a template and variables to read, files to see, a log to write to, a
signal to end by; it ends with an exit code and a message. As soon as it has something to keep, it
has a directory like those of the supervisor's containers (`log`, `exit`), so that logs are read in
the same way; `inside` tells the supervisor that it is none of its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from sampan.artifacts import Artifacts
from sampan.engine.cluster import Cluster
from sampan.kube import argoexec, names
from sampan.kube.katib import Observations
from sampan.kube.keys import Manifest
from sampan.kube.streams import Link
from sampan.lib.clock import Clock
from sampan.nodes.account import Server
from sampan.nodes.compose import Directories
from sampan.nodes.executor.view import View
from sampan.nodes.facts import PodFacts
from sampan.nodes.life.seen import Run
from sampan.nodes.supervisor.logs import LogWriter
from sampan.nodes.supervisor.records import Record

FAULT = 64
"""The exit code of an executor that could not do its work."""
KILLED, TERMINATED = 137, 143
_MARK = "inside"


class Failed(Exception):
    """The executor could not do its work; the text is its termination message. `logged`: what there
    is to say stands in the log."""

    def __init__(self, text: str, code: int = FAULT, *, logged: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.logged = logged


class Pod(Protocol):
    """What a job may do to the rest of its pod."""

    async def changed(self) -> None:
        """Returns when something about the pod's containers may have changed."""
        ...

    def attempt(self, container: str) -> Run | None:
        """The newest attempt of a container; None when it has not been started."""
        ...

    def stop(self, container: str, grace: float) -> None: ...

    def place(self, container: str) -> Directories:
        """What lies on disk for the newest attempt."""
        ...

    def pid(self, container: str) -> int:
        """The first process of a container that runs; 0 for any other one."""
        ...


class Dial(Protocol):
    """Connects to a port of the pod, by TLS if asked to. Raises ApiStatus."""

    async def __call__(self, port: int, *, tls: bool = False) -> Link: ...


class Job:
    def __init__(
        self, pod: Pod, facts: PodFacts, spec: Mapping[str, Any], place: Directories
    ) -> None:
        self.pod = pod
        self.facts = facts
        self.spec = spec
        self.place = place
        self.told = asyncio.Event()
        """Set when the container is asked to end."""
        self.view = View()
        self.env: Mapping[str, str] = {}
        self.message = ""
        self.cluster: Cluster
        self.clock: Clock
        self.artifacts: Artifacts
        self.route: Callable[[str, int, str], str] = lambda host, port, namespace: ""
        """The proxy to a host that only pods of a namespace can reach; "" where none is needed."""
        self.dial: Dial
        self.server: Server | None = None
        """The API server, for programs that act as the pod."""
        self.observations: Observations
        """Who keeps what was reported of trials."""
        self.silent = False
        """Set where a program of the container itself has the log."""
        self._log: LogWriter | None = None

    @property
    def manifest(self) -> Manifest:
        return self.facts.pod

    @property
    def directory(self) -> Path:
        """Where it may keep what has to survive a restart; made when it is first asked for."""
        directory = self.place.logs
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True)
            (directory / _MARK).touch()
        return directory

    @cached_property
    def template(self) -> Manifest:
        """What the controller wants to be done."""
        return template_of(self.facts)

    def log(self, text: str) -> None:
        self.write(f"{text}\n".encode(errors="replace"))

    def write(self, lines: bytes) -> int:
        """Whole lines into the log; answers how many bytes its newest file has then."""
        if self.silent:
            return 0
        if self._log is None:
            self._log = LogWriter(str(self.directory))
        self._log.write("stdout", lines)
        return self._log.size

    async def ended(self, containers: Iterable[str]) -> None:
        """Returns when all of these containers have ended."""
        waiting = list(containers)
        while True:
            runs = [self.pod.attempt(name) for name in waiting]
            if all(run is not None and run.code is not None for run in runs):
                return
            await self.pod.changed()

    def close(self, code: int) -> None:
        """Say how it ended, on disk first, if it has kept anything."""
        if self._log is not None:
            self._log.close()
        if self.place.logs.exists():
            record = Record("")
            record.end(code, time.time(), "", self.message)
            record.save_end(str(self.place.logs))


def template_of(facts: PodFacts) -> Manifest:
    """The template of a pod; {} for one that has none. Failed when it is no JSON."""
    text = argoexec.template_text(facts.pod["spec"])
    if text == argoexec.OFFLOADED:
        text = config_of(facts).get(argoexec.TEMPLATE, "")
    try:
        template = json.loads(text or "{}")
    except ValueError as error:
        raise Failed(f"failed to unmarshal template: {error}") from error
    return template if isinstance(template, dict) else {}


def config_of(facts: PodFacts) -> Mapping[str, str]:
    """The texts that were too long for the pod."""
    for volume in facts.pod["spec"].get("volumes") or ():
        if volume["name"] == argoexec.VOLUME_CONFIG:
            found = facts.find(names.CONFIG_MAP, volume["configMap"]["name"])
            return (found or {}).get("data") or {}
    return {}


def mains_of(template: Manifest) -> list[str]:
    """The containers that are the template's own work."""
    group = (template.get("containerSet") or {}).get("containers") or ()
    return [each["name"] for each in group] or [argoexec.MAIN]


def is_in_volume(template: Manifest, path: str) -> bool:
    """Whether upstream's `wait` would find a path of the main container in a volume that both
    mount, and not in a copy that the emissary has made: messages tell."""
    mounts = [
        each["mountPath"]
        for kind in ("container", "script", "containerSet")
        for each in (template.get(kind) or {}).get("volumeMounts") or ()
    ]
    inputs = (template.get("inputs") or {}).get("artifacts") or ()
    mounts += [each["path"] for each in inputs if each.get("path")]
    return any(f"{path}/".startswith(f"{each.rstrip('/')}/") for each in mounts)
