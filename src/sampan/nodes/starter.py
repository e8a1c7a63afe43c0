"""Starting a container: volumes, image, configuration, sandbox; and what to say when one fails.

Each obstacle becomes the waiting reason that Kubernetes has for it, and an event. Most go away by
themselves (a ConfigMap appears, a claim is bound), so they are tried again with growing pauses and
at once when something that the pod refers to changes.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sampan.kube import katib, launcher, meta
from sampan.kube.keys import Manifest
from sampan.nodes import gpus, hosts, resolv
from sampan.nodes.cell import Cell, identity
from sampan.nodes.components import Components, Wish
from sampan.nodes.compose import Directories, Surroundings, Unrunnable, compose
from sampan.nodes.context import Context
from sampan.nodes.executor import arguments, fetching, seen
from sampan.nodes.executor.pod import Executor, outputs_of, retrying
from sampan.nodes.facts import ConfigError, PodFacts
from sampan.nodes.images.environments import Environment
from sampan.nodes.images.oci import tree
from sampan.nodes.images.oci.errors import PullError
from sampan.nodes.images.resolve import hint
from sampan.nodes.images.runtime import Files, Refusal, Runtime, Wanted
from sampan.nodes.launcher.outputs import Failed
from sampan.nodes.launcher.pod import Launcher
from sampan.nodes.life.seen import Start, Waiting
from sampan.nodes.limits import limits_of
from sampan.nodes.pulling import Pulling
from sampan.nodes.sandbox.spec import Mount, Sandbox
from sampan.nodes.supervisor.client import Refused, Report
from sampan.nodes.volumes.files import VolumeError
from sampan.nodes.volumes.prepare import PodVolumes

_EXECUTOR = "sampan://executor"
_RESOLV = Path("/etc/resolv.conf")
_HOSTS = Path("/etc/hosts")
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 120.0


class Given(Struct, frozen=True):
    """What a container gets that took a while to have. `overlay`: layers can be mounted."""

    runtime: Runtime
    artifacts: tuple[Mount, ...]
    overlay: bool


class Starter:
    """For one pod."""

    def __init__(
        self,
        context: Context,
        directory: Path,
        executor: tuple[Executor, Callable[[Cell], Awaitable[None]]],
        tasks: Launcher,
        wake: Callable[[], None],
    ) -> None:
        """`wake` is called when something that was waited for has come. `executor` comes with what
        is called for a container whose program it has held back."""
        self._context = context
        self._executor, self._release = executor
        self._launcher = tasks
        self._pulling = Pulling(context, wake, self._later)
        self._directory = directory
        self._volumes = PodVolumes(directory / "volumes", context.home, context.cluster)
        self._components = Components(context, directory, self._volumes, wake)
        self._blocked: dict[str, Cell] = {}
        self._refused: set[str] = set()
        self._pause = _FIRST_PAUSE
        self._retry_at: float | None = None

    async def start(self, cell: Cell, action: Start, facts: PodFacts) -> Report | None:
        """Start one attempt. None when it cannot be now: the cell says why."""
        try:
            if (report := await self._without_program(cell, action, facts)) is not None:
                return report
            runtime = self._runtime(cell, facts)
            if runtime is None:
                return None
            cell.image_id = runtime.identity
            await self._volumes.prepare(facts)
            artifacts = await self._launcher.prepare(cell, action.attempt, facts)
            overlay = await self._context.puller.overlay() if runtime.files else True
            request = self._request(cell, action, facts, Given(runtime, artifacts, overlay))
            if request is None:
                return None
            if runtime.files:
                await self._take_image(cell, action, runtime.files, overlay=overlay)
            request["join"] = await self._context.networking.join(cell.uid, facts.pod_ip)
        except Failed as failure:
            return self._launcher.refused(cell, action.attempt, failure)
        except (VolumeError, ConfigError, Unrunnable, PullError, OSError, ValueError) as error:
            self._block(cell, facts, *_obstacle(error))
            return None
        try:
            report = await self._context.client.start(request)
        except Refused as error:
            self._block(cell, facts, Waiting("CreateContainerError", str(error)), "Failed")
            return None
        self._announce(cell, facts, runtime, action)
        if report.code is None:
            self._executor.attend(cell, action.attempt, facts, self._volumes)
            message = f"Started container {cell.name}"
            self._context.emit(facts.pod, "Normal", "Started", message)
        return report

    async def _without_program(self, cell: Cell, action: Start, facts: PodFacts) -> Report | None:
        """Start what is done by the control plane itself, or has to wait for others."""
        if launcher.is_launcher(cell.spec):
            cell.image_id = "sampan://launcher"
            return self._launcher.brought(cell, action.attempt)
        if cell.ours:
            cell.image_id = "sampan://collector" if katib.collector_of(cell.spec) else _EXECUTOR
            await self._volumes.prepare(facts)
            return await self._executor.begin(cell, action.attempt, facts, self._volumes)
        if self._executor.holds(cell, facts):
            return self._executor.hold(cell, action.attempt, facts, self._release)
        return None

    def leave(self) -> None:
        """The pod is over."""
        self._pulling.cancel()
        self._components.leave()

    async def resume(self, cell: Cell, facts: PodFacts) -> None:
        """A container that is up to the executor ran under an earlier control plane."""
        assert cell.last is not None
        if cell.running and fetching.driver_of(cell.spec):
            await self._volumes.prepare(facts)
            self._executor.attend(cell, cell.last.attempt, facts, self._volumes)
            return
        if not cell.ours:
            self._executor.hold(cell, cell.last.attempt, facts, self._release)
            return
        await self._volumes.prepare(facts)
        await self._executor.resume(cell, facts, self._volumes)

    def adopted(self, cell: Cell) -> None:
        """A container runs that an earlier control plane has started."""
        place = self._place(cell, cell.last.attempt if cell.last else 0)
        try:
            held = place.gpus.read_text()
        except OSError:
            return
        self._context.gpus.hold(cell.identity, [int(index) for index in held.split()])

    async def refresh(self, facts: PodFacts) -> None:
        """Bring the volumes' files up to date."""
        await self._volumes.refresh(facts)

    def retry(self) -> None:
        """Something that the pod refers to has changed: what waits may start now."""
        self._retry_at = None
        for cell in self._blocked.values():
            cell.waiting = None
        self._blocked.clear()

    def due(self) -> bool:
        """Whether files have to be refreshed; also lets those try again whose pause is over."""
        if self._retry_at is not None and time.monotonic() >= self._retry_at:
            self.retry()
        renew = self._volumes.renew_at
        return renew is not None and time.time() >= renew

    def again_in(self) -> float | None:
        """Seconds until `due` has something to say."""
        waits = []
        if self._retry_at is not None:
            waits.append(self._retry_at - time.monotonic())
        if self._volumes.renew_at is not None:
            waits.append(self._volumes.renew_at - time.time())
        return max(0.0, min(waits)) if waits else None

    def _runtime(self, cell: Cell, facts: PodFacts) -> Runtime | None:
        """What the container's image means here; None when it has to wait for it."""
        self._context.follow()
        found = self._context.images.resolve(cell.spec["image"])
        if isinstance(found, Wanted) and self._context.level.kind == "plain":
            message = f"an image's own files need a sandbox; {hint(cell.spec['image'])}"
            found = Refusal("ErrImagePull", message)
        if isinstance(found, Runtime):
            return found
        if isinstance(found, Refusal):
            self._refuse_image(cell, facts, found)
            return None
        if isinstance(found, Environment):
            self._pulling.environment(cell, facts, found)
            return None
        return self._pulling.runtime(cell, facts, found)

    async def _take_image(self, cell: Cell, action: Start, files: Files, *, overlay: bool) -> None:
        """Say that its layers are in use, and copy them where they cannot be mounted."""
        place = self._place(cell, action.attempt)
        place.image.write_text(files.digest)
        if not overlay:
            root = str(place.scratch / "root")
            if not os.listdir(root):
                await asyncio.to_thread(tree.copy, files.layers, root)

    def _proxy(
        self, container: Mapping[str, Any], pod: Manifest, *, networked: bool
    ) -> dict[str, str]:
        """How the program of a trial finds the DB manager where names of services lead nowhere."""
        if networked or not katib.reports_itself(container):
            return {}
        url = self._context.metrics_proxy(meta.namespace_of(pod))
        return {"grpc_proxy": url} if url else {}

    def _request(
        self, cell: Cell, action: Start, facts: PodFacts, given: Given
    ) -> dict[str, Any] | None:
        """What the supervisor is asked for; None when the container has to wait for packages."""
        context, runtime, overlay = self._context, given.runtime, given.overlay
        started = identity(cell.uid, cell.name, action.attempt)
        place = self._place(cell, action.attempt)
        indices = context.gpus.take(started, gpus.wanted(cell.spec))
        networked = context.networking.networked(facts.pod)
        around = Surroundings(
            hidden=context.hidden,
            services=context.services.variables(facts.pod, networked=networked)
            | self._proxy(cell.spec, facts.pod, networked=networked),
            gpus=indices,
            resolv=_resolv(facts.pod, networked=networked),
            limits=limits_of(
                facts.pod, cell.spec, memory=context.memory, settings=context.settings
            ),
            layers=context.puller.store.root / "layers",
            overlay=overlay,
            outputs=outputs_of(facts, cell.spec),
            keep=bool(given.artifacts),
            artifacts=given.artifacts,
        )
        spec, texts = arguments.shortened(facts, cell.spec)
        box = compose(facts, spec, runtime, self._volumes, (place, around))
        box = replace(box, argv=retrying(facts, cell.spec, box.argv))

        def make(place: Directories) -> None:
            own = hosts.hosts_file(facts.pod, facts.pod_ip, _machine_hosts(facts.pod))
            place.make(own, around.resolv, image=runtime.files is not None)

        fitted = self._components.fit(Wish(cell, facts, runtime, around, make), box)
        if fitted is None:
            return None
        box = fitted.box
        if not place.scratch.exists():
            make(place)
        place.put(fitted.files, fitted.layer, context.environments.key(runtime.python))
        if context.level.kind == "plain":
            box = place.lay(box, runtime)
        if texts:
            arguments.write(place.tmp(image=runtime.files is not None, overlay=overlay), texts)
        if around.keep:
            self._launcher.note(box, place)
        elif box.outputs:
            self._keep(box, place)
        if indices:
            place.gpus.write_text(" ".join(map(str, indices)))
        return context.level.request(started, box)

    def _keep(self, box: Sandbox, place: Directories) -> None:
        """What the container writes has to be found again when it has ended."""
        plain = self._context.level.kind == "plain"
        if box.keep:
            os.makedirs(box.keep, exist_ok=True)
        if plain:
            for path in box.outputs:
                os.makedirs(os.path.dirname(f"{box.keep}{path}"), exist_ok=True)
        seen.of(box, plain=plain).save(place.scratch)

    def _announce(self, cell: Cell, facts: PodFacts, runtime: Runtime, action: Start) -> None:
        emit, pod, image = self._context.emit, facts.pod, cell.spec["image"]
        if action.attempt > 0 and action.streak > 1:
            where = f"{pod['metadata']['name']}_{facts.namespace}({cell.uid})"
            text = f"Back-off restarting failed container {cell.name} in pod {where}"
            emit(pod, "Warning", "BackOff", text)
        if runtime.files is None:
            text = f'Container image "{image}" is provided by {runtime.said}'
            emit(pod, "Normal", "Pulled", text)
        emit(pod, "Normal", "Created", f"Created container: {cell.name}")
        if target := cell.spec.get("targetContainerName"):
            text = f"{cell.name} does not see the processes of {target}: each container of this"
            emit(pod, "Warning", "ProcessesNotShared", f"{text} node sees its own only")

    def _refuse_image(self, cell: Cell, facts: PodFacts, refusal: Refusal) -> None:
        """Nothing changes by waiting, until somebody changes the table: one word for the first
        look, another one for ever after, as a kubelet has."""
        waiting, emit = Waiting(refusal.reason, refusal.message), self._context.emit
        if refusal.reason == "ErrImagePull":
            text = f'Failed to pull image "{cell.spec["image"]}": {refusal.message}'
            emit(facts.pod, "Warning", "Failed", text)
            if cell.name in self._refused:
                waiting = Waiting("ImagePullBackOff", refusal.message)
                self._blocked[cell.name] = cell
            else:
                self._refused.add(cell.name)
                self._later(cell, _FIRST_PAUSE)
        else:
            emit(facts.pod, "Warning", "InspectFailed", refusal.message)
        emit(facts.pod, "Warning", "Failed", f"Error: {waiting.reason}")
        cell.waiting = waiting

    def _block(self, cell: Cell, facts: PodFacts, waiting: Waiting, reason: str) -> None:
        cell.waiting = waiting
        text = waiting.message if reason == "FailedMount" else f"Error: {waiting.message}"
        self._context.emit(facts.pod, "Warning", reason, text)
        self._later(cell, self._pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _later(self, cell: Cell, pause: float) -> None:
        self._blocked[cell.name] = cell
        at = time.monotonic() + pause
        self._retry_at = at if self._retry_at is None else min(at, self._retry_at)

    def _place(self, cell: Cell, attempt: int) -> Directories:
        return Directories(self._directory, cell.name, attempt)


def _obstacle(error: Exception) -> tuple[Waiting, str]:
    """What a container waits for, and the reason of an event."""
    if isinstance(error, VolumeError):
        reason = "CreateContainerConfigError" if error.final else "ContainerCreating"
        return Waiting(reason, str(error)), "FailedMount"
    if isinstance(error, ConfigError):
        return Waiting("CreateContainerConfigError", str(error)), "Failed"
    reason = error.reason if isinstance(error, Unrunnable) else "CreateContainerError"
    return Waiting(reason, str(error)), "Failed"


def _machine_hosts(pod: Manifest) -> str:
    """This machine's /etc/hosts, for pods that share its network; "" for the others."""
    if not pod["spec"].get("hostNetwork"):
        return ""
    try:
        return _HOSTS.read_text(errors="replace")
    except OSError:
        return ""


def _resolv(pod: Manifest, *, networked: bool) -> str:
    """The pod's own resolv.conf; "" for the machine's."""
    if not (networked or pod["spec"].get("dnsConfig") or pod["spec"].get("dnsPolicy") == "None"):
        return ""
    try:
        machine = resolv.parse(_RESOLV.read_text(errors="replace"))
    except OSError:
        machine = resolv.Resolv()
    return resolv.of_pod(pod, machine, networked=networked).text()
