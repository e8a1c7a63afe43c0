"""The control plane's side of pulling: one process for each image that is wanted, shared by all who
want the same at the same time.

What is here already, and need not be asked for, costs no process. Nothing is imported here that
knows HTTP or archives.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from sampan.config import Config
from sampan.kube.keys import Manifest
from sampan.nodes.images.oci.errors import NotThere, PullError, Unreachable
from sampan.nodes.images.oci.login import Login
from sampan.nodes.images.oci.store import Record, Store
from sampan.nodes.images.oci.wish import Policy, Wish
from sampan.nodes.images.reference import parse
from sampan.nodes.images.runtime import Files, Runtime

log = logging.getLogger(__name__)

_KINDS: Mapping[str, type[PullError]] = {
    kind.__name__: kind for kind in (PullError, NotThere, Unreachable)
}
_AT_ONCE = 4
_LINE = 1 << 20
_MOST_LISTED = 50  # as the kubelet's nodeStatusMaxImages


class Pulled(Struct, frozen=True):
    """An image that has come, and how many seconds it took without the time in the queue."""

    record: Record
    seconds: float


class Puller:
    def __init__(self, store: Store) -> None:
        self.store = store
        self._config = Config()
        self._running: dict[Wish, asyncio.Task[Pulled]] = {}
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._overlay: asyncio.Task[bool] | None = None
        self.added: Callable[[], None] = lambda: None

    def configure(self, config: Config) -> None:
        """Where images are to be had, and how registries are spoken to."""
        self._config = config

    def wish(
        self, image: str, policy: Policy, logins: Sequence[Login] = (), user: int | None = None
    ) -> Wish:
        config = self._config
        return Wish(
            image=image, policy=policy, mirrors=config.mirrors, registries=config.registries,
            logins=tuple(logins), owners=os.geteuid() == 0, user=user,
        )  # fmt: skip

    def here(self, wish: Wish) -> Record | None:
        """The image, if it can be run as it is and the registry need not be asked."""
        reference = parse(wish.image)
        if wish.policy == "Always" and not reference.digest:
            return None
        record = self.store.find(reference)
        if record is None:
            return None
        try:
            owned = wish.owned(self.store.user(record))
        except OSError:
            return None
        return record if self.store.complete(record, owned=owned) else None

    async def pull(self, wish: Wish) -> Pulled:
        """The image, from the registry if need be. PullError."""
        task = self._running.get(wish)
        if task is None:
            task = asyncio.create_task(self._pull(wish))
            self._running[wish] = task
            task.add_done_callback(lambda _: self._running.pop(wish, None))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End what goes on; half of a layer is continued the next time."""
        tasks = [*self._running.values(), *((self._overlay,) if self._overlay else ())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def overlay(self) -> bool:
        """Whether layers can be mounted where this store lies; found out once."""
        if self._overlay is None:
            self._overlay = asyncio.create_task(self._try_overlay())
        return await asyncio.shield(self._overlay)

    def runtime(self, wish: Wish, record: Record) -> Runtime:
        """What a container of the image runs in. OSError when it has been removed meanwhile."""
        settings = self.store.config(record).config
        owned = wish.owned(settings.User if settings else "")
        files = Files(
            layers=tuple(self.store.layers(record, owned=owned)),
            owned=owned,
            digest=record.digest,
            volumes=tuple(filter(os.path.isabs, (settings and settings.Volumes) or ())),
        )
        said = f'Container image "{wish.image}"'
        if settings is None:
            return Runtime(identity=record.identity(), said=said, files=files)
        pairs = (entry.partition("=") for entry in settings.Env or ())
        return Runtime(
            identity=record.identity(),
            said=said,
            env={name: value for name, _, value in pairs if name},
            entrypoint=tuple(settings.Entrypoint or ()),
            command=tuple(settings.Cmd or ()),
            files=files,
            user=settings.User,
            cwd=settings.WorkingDir or "/",
            stop_signal=settings.StopSignal,
        )

    def listed(self) -> list[Manifest]:
        """As a Node's status has them: the largest ones, each by its digest and by its names."""
        try:
            records = sorted(self.store.records(), key=lambda record: record.size, reverse=True)
        except PullError as error:
            log.warning("%s", error)
            return []
        return [
            {"names": [record.identity(), *record.names], "sizeBytes": record.size}
            for record in records[:_MOST_LISTED]
        ]

    async def _pull(self, wish: Wish) -> Pulled:
        async with self._free:
            begun = time.monotonic()
            answer = await self._ask(wish)
        if "failed" in answer:
            raise _KINDS.get(answer.get("kind", ""), PullError)(answer["failed"])
        for record in self.store.records():
            if record.digest == answer.get("digest"):
                self.added()
                return Pulled(record, time.monotonic() - begun)
        raise PullError("the image was pulled and removed again")

    async def _ask(self, wish: Wish) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "sampan.nodes.images.oci.process", str(self.store.root),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LINE,
            start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        answer: dict[str, Any] = {}
        try:
            process.stdin.write(msgspec.json.encode(wish))
            process.stdin.close()
            async for line in process.stdout:
                answer = json.loads(line)
            code = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if "done" in answer or not answer:
            return {"failed": f"the process that pulls ended with {code}"}
        return answer

    async def _try_overlay(self) -> bool:
        self.store.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self.store.root, prefix=".try-") as directory:
            for name in ("lower", "lower/x", "upper", "work", "root"):
                os.mkdir(f"{directory}/{name}")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-m", "sampan.nodes.supervisor.overlay", directory,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            said, _ = await process.communicate()
            _let_remove(directory)
        if process.returncode:
            log.warning("images are copied for each container: %s", said.decode().strip())
        return process.returncode == 0


def _let_remove(directory: str) -> None:
    """overlayfs leaves a directory that not even its owner may read."""
    inner = f"{directory}/work/work"
    if os.path.isdir(inner):
        os.chmod(inner, 0o700)
