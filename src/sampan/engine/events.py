"""Events: what controllers tell the user about an object, as `v1 Event`.

The same words about the same object within a window raise the count of one Event; a token bucket
per object stops a flood. Writing is done by one task in the background, for an Event that cannot
be written (a namespace that goes away) must not hold up a controller. What is remembered has a
bound, the latest stay.
Upstream: k8s.io/client-go tools/record events_cache.go.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from sampan.engine.cluster import Cluster
from sampan.kube.errors import NotFound, SampanError
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Emit
from sampan.kube.times import rfc3339
from sampan.lib.clock import Clock

log = logging.getLogger(__name__)

WINDOW = timedelta(minutes=10)
BURST = 25
REFILL = timedelta(minutes=5)
"""Upstream's figures: 25 Events at once about one object, then one more in five minutes."""
REMEMBERED = 1024
"""Words and objects that are remembered, by each who tells; upstream 4096."""
BACKLOG = 1000
MESSAGE_LIMIT = 1024


class Told(Struct):
    """What was said: which Event holds it, how often, when last. `sent` once it was written, and
    `manifest` until then."""

    key: Key
    manifest: Manifest | None
    count: int
    last: datetime
    sent: bool = False


class Bucket(Struct):
    tokens: float
    at: datetime


class Events:
    """Takes `Emit`s at once and writes them in order."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._told: dict[tuple[str, ...], Told] = {}
        self._buckets: dict[str, Bucket] = {}
        self._backlog: asyncio.Queue[Told] = asyncio.Queue(BACKLOG)
        self._queued: set[int] = set()
        self._swept: datetime | None = None

    def emit(self, component: str, about: Manifest, event: Emit) -> None:
        now = self._clock.now()
        self._sweep(now)
        meta = about["metadata"]
        uid = meta.get("uid") or f"{about['kind']}/{meta.get('namespace')}/{meta['name']}"
        if not self._allowed(f"{uid}/parts" if event.annotations else uid, now):
            return
        message = event.message[:MESSAGE_LIMIT]
        words = (uid, component, event.type, event.reason, message)
        told = self._told.pop(words, None)
        if told is None:
            manifest = _manifest(component, about, event, message, now)
            told = Told(key_of(manifest), manifest, 1, now)
        else:
            told.count += 1
            told.last = now
            if told.manifest is None:  # for the case that the Event is gone
                told.manifest = _manifest(component, about, event, message, now)
        self._told[words] = told  # the latest last
        _bound(self._told)
        self._enqueue(told)

    async def run(self) -> None:
        """Write what was told, until cancelled."""
        while True:
            told = await self._backlog.get()
            self._queued.discard(id(told))
            try:
                await self._write(told)
            except SampanError as error:
                log.debug("event %s not written: %s", told.key, error)
            except Exception:
                log.exception("event %s not written", told.key)
            finally:
                self._backlog.task_done()

    async def flushed(self) -> None:
        """Wait until everything that was told is written."""
        await self._backlog.join()

    def _enqueue(self, told: Told) -> None:
        if id(told) in self._queued:
            return
        try:
            self._backlog.put_nowait(told)
            self._queued.add(id(told))
        except asyncio.QueueFull:
            log.warning("too many events at once, dropped: %s", told.key)

    async def _write(self, told: Told) -> None:
        times = {"count": told.count, "lastTimestamp": rfc3339(told.last)}
        if told.sent:
            try:
                await self._cluster.patch(told.key, times)
            except NotFound:
                told.sent = False
        manifest, told.manifest = told.manifest, None
        if not told.sent and manifest is not None:
            await self._cluster.create({**manifest, **times})
            told.key, told.sent = key_of(manifest), True

    def _allowed(self, uid: str, now: datetime) -> bool:
        bucket = self._buckets.pop(uid, None) or Bucket(BURST, now)
        self._buckets[uid] = bucket
        _bound(self._buckets)
        passed = max(now - bucket.at, timedelta(0))  # the clock may have been set back
        bucket.tokens = min(BURST, bucket.tokens + passed / REFILL)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _sweep(self, now: datetime) -> None:
        """Once in a window: forget what was said before it, and the buckets that are full."""
        if self._swept is not None and abs(now - self._swept) < WINDOW:
            return
        self._swept = now
        self._told = {k: told for k, told in self._told.items() if now - told.last < WINDOW}
        full = REFILL * BURST
        self._buckets = {k: b for k, b in self._buckets.items() if now - b.at < full}


def _bound(remembered: dict[Any, Any]) -> None:
    """Called after each that is added; what was used last stands last."""
    if len(remembered) > REMEMBERED:
        del remembered[next(iter(remembered))]


def _manifest(
    component: str, about: Manifest, event: Emit, message: str, now: datetime
) -> Manifest:
    meta = about["metadata"]
    words = (meta.get("uid", ""), component, event.type, event.reason, message, now.isoformat())
    digest = blake2b("\0".join(words).encode(), digest_size=8).hexdigest()
    namespace = meta.get("namespace") or "default"
    name = f"{meta['name'][:230]}.{digest}"
    involved = {"apiVersion": about["apiVersion"], "kind": about["kind"], "name": meta["name"]}
    for field in ("namespace", "uid", "resourceVersion"):
        if meta.get(field):
            involved[field] = meta[field]
    manifest: Manifest = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": involved,
        "type": event.type,
        "reason": event.reason,
        "message": message,
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": rfc3339(now),
        "eventTime": None,
    }
    if event.annotations:
        manifest["metadata"]["annotations"] = dict(event.annotations)
    return manifest
