"""Images of one pod's containers that come from registries: when to pull, what to say, when again.
So with environments that stand for images, and are to be made.

Either goes on in the background; meanwhile the container waits, and `wake` is called when there is
news. What fails is tried again after 10 s, then twice as long each time up to 5 minutes, with the
words that the kubelet has for it (kubernetes pkg/kubelet/images/image_manager.go).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from sampan.kube import names
from sampan.kube.keys import Key
from sampan.nodes.cell import Cell
from sampan.nodes.context import Context
from sampan.nodes.environment import decoded
from sampan.nodes.facts import ConfigError, PodFacts
from sampan.nodes.images.environments import Environment
from sampan.nodes.images.oci import login
from sampan.nodes.images.oci.errors import NotThere, PullError, Unreachable
from sampan.nodes.images.oci.login import Login
from sampan.nodes.images.oci.store import Record
from sampan.nodes.images.oci.wish import Policy, Wish
from sampan.nodes.images.resolve import hint
from sampan.nodes.images.runtime import Runtime, Wanted
from sampan.nodes.life.seen import Waiting

log = logging.getLogger(__name__)

_FIRST, _LONGEST = 10.0, 300.0
_SHOWN = 1.0  # seconds for which the failure itself is the reason, before the back-off is
_KEYS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson",
         "kubernetes.io/dockercfg": ".dockercfg"}  # fmt: skip


class _Pull:
    """Of one container. `ready` is what has come and was not used yet."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.ready: tuple[Wish, Record] | None = None
        self.failures = 0
        self.not_before = 0.0
        self.message = ""
        self.reason = ""


class Pulling:
    """For one pod."""

    def __init__(
        self, context: Context, wake: Callable[[], None], later: Callable[[Cell, float], None]
    ) -> None:
        """`later` makes sure that `runtime` is asked again for a cell after some seconds."""
        self._context = context
        self._wake = wake
        self._later = later
        self._pulls: dict[str, _Pull] = {}

    def runtime(self, cell: Cell, facts: PodFacts, wanted: Wanted) -> Runtime | None:
        """The image, ready to run. None when it is not: `cell.waiting` says why."""
        pull = self._pulls.setdefault(cell.name, _Pull())
        if pull.ready is not None:
            (wish, record), pull.ready = pull.ready, None
            return self._context.puller.runtime(wish, record)
        if self._waits(cell, facts, pull):
            return None
        return self._begin(cell, facts, wanted, pull)

    def environment(self, cell: Cell, facts: PodFacts, wanted: Environment) -> None:
        """Make what stands for the image; `cell.waiting` says so."""
        pull = self._pulls.setdefault(cell.name, _Pull())
        if self._waits(cell, facts, pull):
            return
        text = f"Installing packages: {wanted.said}"
        self._context.emit(facts.pod, "Normal", "Installing", text)
        cell.waiting = Waiting(pull.reason or "ContainerCreating", pull.message or text)
        pull.task = asyncio.create_task(self._carry_out(cell, facts, wanted, pull))

    def cancel(self) -> None:
        """The pod is over: nobody waits for its images any more."""
        for pull in self._pulls.values():
            if pull.task is not None:
                pull.task.cancel()

    def _waits(self, cell: Cell, facts: PodFacts, pull: _Pull) -> bool:
        """For its turn, or for what goes on."""
        left = pull.not_before - time.monotonic()
        if left > 0:
            self._back_off(cell, facts, pull, left)
        elif pull.task is not None:
            cell.waiting = cell.waiting or Waiting(pull.reason or "ContainerCreating", pull.message)
        return left > 0 or pull.task is not None

    def _begin(self, cell: Cell, facts: PodFacts, wanted: Wanted, pull: _Pull) -> Runtime | None:
        image, context = cell.spec["image"], self._context
        policy: Policy = cell.spec.get("imagePullPolicy") or "IfNotPresent"
        wish = context.puller.wish(
            wanted.image, policy, self._logins(facts), _user(facts, cell.spec)
        )
        record = context.puller.here(wish)
        if record is not None:
            text = f'Container image "{image}" already present on machine'
            context.emit(facts.pod, "Normal", "Pulled", text)
            return context.puller.runtime(wish, record)
        if policy == "Never":
            text = f'Container image "{image}" is not present with pull policy of Never'
            self._failed(cell, facts, pull, ("ErrImageNeverPull", text))
            return None
        context.emit(facts.pod, "Normal", "Pulling", f'Pulling image "{image}"')
        cell.waiting = Waiting(pull.reason or "ContainerCreating", pull.message)
        pull.task = asyncio.create_task(self._carry_out(cell, facts, wish, pull))
        return None

    async def _carry_out(
        self, cell: Cell, facts: PodFacts, wanted: Wish | Environment, pull: _Pull
    ) -> None:
        image = cell.spec["image"]
        try:
            if isinstance(wanted, Wish):
                await self._pull(image, facts, wanted, pull)
            else:
                await self._make(facts, wanted)
        except PullError as error:
            self._failed(cell, facts, pull, ("ErrImagePull", _said(error, image)))
        except Exception as error:
            log.exception("image %s", image)
            self._failed(cell, facts, pull, ("ErrImagePull", str(error)))
        else:
            pull.failures, pull.reason, pull.message = 0, "", ""
            cell.waiting = None
        finally:
            pull.task = None
        self._wake()

    async def _pull(self, image: str, facts: PodFacts, wish: Wish, pull: _Pull) -> None:
        begun = time.monotonic()
        pulled = await self._context.puller.pull(wish)
        text = (
            f'Successfully pulled image "{image}" in {pulled.seconds:.3f}s '
            f"({time.monotonic() - begun:.3f}s including waiting). "
            f"Image size: {pulled.record.size} bytes."
        )
        self._context.emit(facts.pod, "Normal", "Pulled", text)
        pull.ready = (wish, pulled.record)

    async def _make(self, facts: PodFacts, wanted: Environment) -> None:
        begun = time.monotonic()
        await self._context.environments.make(wanted)
        text = f"Installed packages: {wanted.said} in {time.monotonic() - begun:.1f} s"
        self._context.emit(facts.pod, "Normal", "Installed", text)

    def _failed(self, cell: Cell, facts: PodFacts, pull: _Pull, why: tuple[str, str]) -> None:
        reason, message = why
        emit, image = self._context.emit, cell.spec["image"]
        if reason == "ErrImagePull":
            emit(facts.pod, "Warning", "Failed", f'Failed to pull image "{image}": {message}')
        else:
            emit(facts.pod, "Warning", reason, message)
        emit(facts.pod, "Warning", "Failed", f"Error: {reason}")
        pause = min(_FIRST * 2**pull.failures, _LONGEST)
        pull.failures += 1
        pull.not_before = time.monotonic() + pause
        pull.reason, pull.message = reason, message
        cell.waiting = Waiting(reason, message)
        self._later(cell, _SHOWN if reason == "ErrImagePull" else pause)

    def _back_off(self, cell: Cell, facts: PodFacts, pull: _Pull, left: float) -> None:
        if pull.reason == "ErrImagePull":
            image = cell.spec["image"]
            text = f'Back-off pulling image "{image}"'
            self._context.emit(facts.pod, "Normal", "BackOff", text)
            self._context.emit(facts.pod, "Warning", "Failed", "Error: ImagePullBackOff")
            pull.reason = "ImagePullBackOff"
            pull.message = f"{text}: ErrImagePull: {pull.message}"
        cell.waiting = Waiting(pull.reason, pull.message)
        self._later(cell, left)

    # -- who we are at the registry ---------------------------------------------------------------
    def _logins(self, facts: PodFacts) -> list[Login]:
        """Of the pod's imagePullSecrets, then of whoever runs Sampan. Admission has copied those of
        the service account into the pod."""
        found: list[Login] = []
        for reference in facts.pod["spec"].get("imagePullSecrets") or ():
            name = reference.get("name", "")
            key = Key(names.SECRET, facts.namespace, name)
            found += self._of_secret(facts, self._context.cluster.get(key), name)
        return [*found, *self._context.logins()]

    def _of_secret(self, facts: PodFacts, secret: Any, name: str) -> list[Login]:
        try:
            if secret is None:
                raise ConfigError("not found")
            key = _KEYS.get(secret.get("type", ""))
            if key is None:
                raise ConfigError(f"type {secret.get('type')} is no login at a registry")
            return login.read(decoded((secret.get("data") or {}).get(key, "")))
        except (ConfigError, ValueError) as error:
            text = f"Unable to retrieve some image pull secrets ({name}): {error}"
            self._context.emit(facts.pod, "Warning", "FailedToRetrieveImagePullSecret", text)
            return []


def _said(error: PullError, image: str) -> str:
    """With advice, where the image cannot be had by any means of ours."""
    if isinstance(error, NotThere | Unreachable):
        return f"{error}; {hint(image)}"
    return str(error)


def _user(facts: PodFacts, container: Any) -> int | None:
    outer = facts.pod["spec"].get("securityContext") or {}
    inner = container.get("securityContext") or {}
    found = inner.get("runAsUser", outer.get("runAsUser"))
    return None if found is None else int(found)
