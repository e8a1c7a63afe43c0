"""Which endpoint of a service port the next connection goes to. Pure: time is handed in.

One after another; with session affinity a client stays at its endpoint for as long as that exists
and the client comes back in time.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Backend = tuple[str, int]
_MOST_CLIENTS = 10_000  # remembered for affinity; beyond it the oldest are forgotten


class Balancer:
    def __init__(self) -> None:
        self.backends: tuple[Backend, ...] = ()
        self._affinity = 0.0
        self._next = 0
        self._clients: dict[str, tuple[Backend, float]] = {}

    def update(self, backends: Sequence[Backend], affinity: float) -> None:
        """`affinity` is in seconds, 0 is none."""
        self.backends = tuple(backends)
        self._affinity = affinity

    def order(self, client: str, now: float) -> Iterator[Backend]:
        """The endpoints to try, best first, each once. The first that is taken stays the client's
        own if the service wants that."""
        backends = self.backends
        if not backends:
            return
        start = self._start(client, now, backends)
        for offset in range(len(backends)):
            backend = backends[(start + offset) % len(backends)]
            if self._affinity:
                self._remember(client, backend, now)
            yield backend

    def _start(self, client: str, now: float, backends: tuple[Backend, ...]) -> int:
        kept = self._clients.get(client) if self._affinity else None
        if kept is not None and kept[0] in backends and now < kept[1]:
            return backends.index(kept[0])
        self._next += 1
        return (self._next - 1) % len(backends)

    def _remember(self, client: str, backend: Backend, now: float) -> None:
        self._clients.pop(client, None)
        self._clients[client] = (backend, now + self._affinity)
        if len(self._clients) > _MOST_CLIENTS:
            del self._clients[next(iter(self._clients))]
