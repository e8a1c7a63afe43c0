"""How logs, commands and connections flow between a node and whoever asks for them.

`nodes` implements `NodeAgent`, `apiserver` calls it, and `app` introduces them; neither imports the
other. Bytes only: framing for websockets or SPDY is the API server's business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from sampan.kube.keys import Manifest
from sampan.kube.usage import Meter


class LogOptions(Struct, frozen=True, kw_only=True):
    """Query of `pods/log`, parsed. `container` is always filled in."""

    container: str
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: datetime | None = None
    tail: int | None = None
    limit_bytes: int | None = None


class Process(Protocol):
    """A command that runs in a container, with its streams."""

    async def write(self, data: bytes) -> None:
        """To stdin. Ignored once the process has ended."""
        ...

    async def close_stdin(self) -> None: ...

    async def resize(self, width: int, height: int) -> None: ...

    def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """(1, bytes) from stdout, (2, bytes) from stderr, until both have ended."""
        ...

    async def wait(self) -> int:
        """The exit code; 128 + n after signal n."""
        ...

    async def kill(self) -> None: ...


class Link(Protocol):
    """A TCP connection to a port of a pod. Reading and writing raise OSError when it breaks."""

    async def read(self) -> bytes:
        """The next bytes; b"" when the pod has ended its half."""
        ...

    async def write(self, data: bytes) -> None:
        """Waits while the pod does not read."""
        ...

    async def end(self) -> None:
        """Nothing more is written; the pod may go on."""
        ...

    def close(self) -> None: ...


class NodeAgent(Protocol):
    """What the API server asks of the node that runs a pod. Errors are `ApiStatus`."""

    @property
    def meter(self) -> Meter: ...

    async def logs(self, pod: Manifest, options: LogOptions) -> AsyncIterator[bytes]:
        """Raises BadRequest/NotFound before the first byte, when there is nothing to stream."""
        ...

    async def execute(
        self, pod: Manifest, container: str, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> Process: ...

    async def attach(self, pod: Manifest, container: str, *, stdin: bool, tty: bool) -> Process: ...

    async def dial(self, pod: Manifest, port: int) -> Link:
        """Connect to a TCP port of a pod. Raises BadRequest when nobody listens there."""
        ...
