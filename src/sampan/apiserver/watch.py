"""Watch: committed events, encoded once and written to everybody who asked for the same.

Watchers with the same resource, selection and form share a Feed: it filters an event once, builds
its line once, and hands the same bytes to each of them. What a watcher missed comes from the
store's history; joining the feed happens in the same step of the event loop, so nothing falls
between. Order is that of revisions, for everybody.
Upstream: k8s.io/apiserver pkg/storage/cacher, pkg/endpoints/handlers/watch.go.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Protocol

import orjson
from msgspec import Struct

from sampan.apiserver.backend import Backend
from sampan.apiserver.forms import Look
from sampan.apiserver.lists import parse_revision, too_large
from sampan.apiserver.selecting import Selection
from sampan.kube.errors import ApiStatus, BadRequest, Expired, Invalid, Problem, forbidden
from sampan.store.records import Compacted, Event, EventType

BOOKMARK_EVERY = 60.0  # seconds
_SHORTEST, _LONGEST = 1800, 3600  # seconds a watch lives when its client names no timeout
_MOST_SECONDS = 7 * 24 * 3600
_INITIAL_END = "k8s.io/initial-events-end"


class Out(Protocol):
    """Where a watcher's frames go."""

    ended: asyncio.Future[None]

    def write(self, frame: bytes) -> None: ...

    def end(self) -> None: ...


class WatchOptions(Struct, frozen=True, kw_only=True):
    """A watch's query. `revision` None is unset."""

    revision: int | None
    initial: bool | None
    bookmarks: bool
    seconds: float


def parse_options(query: Callable[[str], str], asks: Callable[[str], bool]) -> WatchOptions:
    """Raises BadRequest, Invalid."""
    initial = asks("sendInitialEvents") if query("sendInitialEvents") else None
    match = query("resourceVersionMatch")
    if fault := _match_problem(initial, match):
        raise Invalid.of("ListOptions", "meta.k8s.io", "", [fault])
    revision = query("resourceVersion")
    seconds = query("timeoutSeconds")
    if seconds and not seconds.lstrip("-").isdecimal():
        raise BadRequest(f'strconv.ParseInt: parsing "{seconds}": invalid syntax')
    chosen = min(int(seconds or 0), _MOST_SECONDS)
    return WatchOptions(
        revision=parse_revision(revision) if revision else None,
        initial=initial,
        bookmarks=asks("allowWatchBookmarks"),
        seconds=chosen if chosen > 0 else random.uniform(_SHORTEST, _LONGEST),
    )


class Wanted(Struct, frozen=True):
    """A watch that may be. `key` is equal for watches that see the same events."""

    look: Look
    selection: Selection
    options: WatchOptions
    key: object


class Feed:
    """Watchers of the same thing."""

    def __init__(self, look: Look, selection: Selection, frame: Callable[[bytes], bytes]) -> None:
        self.look = look
        self.selection = selection
        self.outs: dict[Out, int] = {}  # -> the revision that it has seen already
        self._frame = frame

    def tell(self, event: Event) -> None:
        """Hand one committed event to everybody."""
        line = self.line(event)
        if line is None:
            return
        frame = self._frame(line)
        revision = event.record.revision
        for out, seen in list(self.outs.items()):
            if revision > seen:
                out.write(frame)

    def line(self, event: Event) -> bytes | None:
        """The event as this feed's watchers see it, if they do."""
        type_ = self._seen_as(event)
        if type_ is None:
            return None
        return _line(type_, self.look.of_record(event.record))

    def initial(self, bookmark: bool) -> bytes:
        """Everything that is there now, as ADDED."""
        store, resource = self.look.backend.store, self.look.resource
        lines = [
            _line("ADDED", self.look.of_record(record))
            for record in store.records(resource.kind, self.selection.namespace)
            if self.selection.plain or self.selection.matches(record)
        ]
        if bookmark:
            lines.append(self.bookmark(initial_end=True))
        return self.framed(lines)

    def framed(self, lines: Iterable[bytes]) -> bytes:
        joined = b"".join(lines)
        return self._frame(joined) if joined else b""

    def bookmark(self, *, initial_end: bool = False) -> bytes:
        resource = self.look.resource
        meta: dict[str, object] = {"resourceVersion": str(self.look.backend.store.revision)}
        if initial_end:
            meta["annotations"] = {_INITIAL_END: "true"}
        about = {"kind": resource.object_kind, "apiVersion": resource.api_version}
        return _line("BOOKMARK", orjson.dumps(about | {"metadata": meta}))

    def _seen_as(self, event: Event) -> EventType | None:
        if self.selection.plain:
            namespace = self.selection.namespace
            return None if namespace and event.record.key.namespace != namespace else event.type
        before = event.previous is not None and self.selection.matches(event.previous)
        if event.type == "DELETED":
            return "DELETED" if before else None
        if self.selection.matches(event.record):
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else None


class Watches:
    """All open watches."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._feeds: dict[object, tuple[Feed, Callable[[], None]]] = {}
        self._bookmarked: dict[Out, Feed] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.closing = False

    def __len__(self) -> int:
        return sum(len(feed.outs) for feed, _ in self._feeds.values())

    def counts(self) -> dict[str, int]:
        """Open watches by kind."""
        found: dict[str, int] = {}
        for feed, _ in self._feeds.values():
            kind = feed.look.resource.kind
            found[kind] = found.get(kind, 0) + len(feed.outs)
        return found

    def check(self, options: WatchOptions) -> None:
        """Raise Timeout for a list-and-watch from a revision that is not there yet."""
        current = self._backend.store.revision
        if options.initial and (options.revision or 0) > current:
            raise too_large(options.revision or 0, current)

    async def serve(self, out: Out, wanted: Wanted, *, frame: Callable[[bytes], bytes]) -> None:
        """Write events until the client leaves, time is up, or the server stops."""
        key, options = (wanted.key, frame), wanted.options
        feed = self._join(key, wanted.look, wanted.selection, frame)
        try:
            missed = self._missed(feed, options)
        except ApiStatus as error:
            out.write(frame(_line("ERROR", orjson.dumps(error.status()))))
            self._leave(key, out)
            return
        if missed:
            out.write(missed)
        feed.outs[out] = max(self._backend.store.revision, options.revision or 0)
        if options.bookmarks:
            self._bookmarked[out] = feed
            self._tick()
        timer = asyncio.get_running_loop().call_later(options.seconds, out.end)
        try:
            if not self.closing:
                await out.ended
        finally:
            timer.cancel()
            self._leave(key, out)

    def end(self, kind: str) -> None:
        """End the watches of a kind that is no longer served as it was."""
        for feed, _ in list(self._feeds.values()):
            if feed.look.resource.kind == kind:
                for out in list(feed.outs):
                    out.end()

    def close(self) -> None:
        """End all watches, and each new one at once."""
        self.closing = True
        if self._timer is not None:
            self._timer.cancel()
        for feed, _ in list(self._feeds.values()):
            for out in list(feed.outs):
                out.end()

    def _join(
        self, key: object, look: Look, selection: Selection, frame: Callable[[bytes], bytes]
    ) -> Feed:
        known = self._feeds.get(key)
        if known is not None:
            return known[0]
        feed = Feed(look, selection, frame)
        stop = self._backend.store.subscribe(look.resource.kind, feed.tell)
        self._feeds[key] = (feed, stop)
        return feed

    def _leave(self, key: object, out: Out) -> None:
        self._bookmarked.pop(out, None)
        feed, stop = self._feeds[key]
        feed.outs.pop(out, None)
        if not feed.outs:
            stop()
            del self._feeds[key]

    def _missed(self, feed: Feed, options: WatchOptions) -> bytes:
        """The synthetic or past events with which the watch begins. Raises Expired."""
        synthetic = options.initial is not False and not options.revision
        if options.initial or synthetic:
            return feed.initial(bookmark=bool(options.initial and options.bookmarks))
        if not options.revision:
            return b""
        try:
            past = self._backend.store.history.since(options.revision)
        except Compacted as error:
            text = f"too old resource version: {options.revision} ({error.floor})"
            raise Expired(text) from None
        kind = feed.look.resource.kind
        lines = (feed.line(event) for event in past if event.record.key.kind == kind)
        return feed.framed(line for line in lines if line is not None)

    def _tick(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BOOKMARK_EVERY, self._bookmark)

    def _bookmark(self) -> None:
        self._timer = None
        frames: dict[Feed, bytes] = {}
        for out, feed in list(self._bookmarked.items()):
            frame = frames.get(feed)
            if frame is None:
                frame = frames[feed] = feed.framed([feed.bookmark()])
            out.write(frame)
        if self._bookmarked:
            self._tick()


def _line(type: str, data: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (type.encode(), data)


def _match_problem(initial: bool | None, match: str) -> Problem | None:
    field = "resourceVersionMatch"
    if initial is None and match:
        text = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        return forbidden(field, text)
    if initial is not None and match != "NotOlderThan":
        text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        return forbidden(field, text)
    return None
