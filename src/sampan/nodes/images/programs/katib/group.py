"""Several processes that train together: the mean of their gradients, by way of the first of them.

Rank 0 listens at MASTER_ADDR:MASTER_PORT and takes WORLD_SIZE − 1 connections; each sends its rank,
then numbers of 32 bits, of which all send the same count. No other process should reach that port:
whoever connects first with a rank is taken for it.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_PATIENCE = 300.0  # seconds until the others have to be there
_RANK = struct.Struct("!I")


class Group:
    def __init__(self, rank: int = 0, size: int = 1, links: tuple[socket.socket, ...] = ()) -> None:
        """`links` lead to all others in the first process, and to the first in the others."""
        self.rank, self.size = rank, size
        self._links = links

    def close(self) -> None:
        for link in self._links:
            link.close()

    def mean(self, own: NDArray[np.float32]) -> NDArray[np.float32]:
        """Over all processes, the same for each."""
        if self.rank:
            self._links[0].sendall(own.tobytes())
            return _received(self._links[0], own)
        total = own.copy()
        for link in self._links:
            total += _received(link, own)
        total /= self.size
        for link in self._links:
            link.sendall(total.tobytes())
        return total


def join(env: Mapping[str, str]) -> Group:
    """The group that the variables describe; OSError when it does not come together."""
    size = int(env.get("WORLD_SIZE") or 1)
    if size < 2:
        return Group()
    rank = int(env["RANK"])
    address = env["MASTER_ADDR"], int(env["MASTER_PORT"])
    if rank:
        link = _connected(address)
        link.sendall(_RANK.pack(rank))
        return Group(rank, size, (link,))
    return Group(rank, size, _accepted(address, size))


def _connected(address: tuple[str, int]) -> socket.socket:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            link = socket.create_connection(address, timeout=_PATIENCE)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return link


def _accepted(address: tuple[str, int], size: int) -> tuple[socket.socket, ...]:
    """In the order of ranks, so that sums do not depend on who came first."""
    found: dict[int, socket.socket] = {}
    with _listening(address) as listener:
        listener.settimeout(_PATIENCE)
        while len(found) < size - 1:
            link, _ = listener.accept()
            link.settimeout(_PATIENCE)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            head = link.recv(_RANK.size, socket.MSG_WAITALL)
            rank = _RANK.unpack(head)[0] if len(head) == _RANK.size else 0
            if 0 < rank < size and rank not in found:
                found[rank] = link
            else:
                link.close()
    return tuple(link for _, link in sorted(found.items()))


def _listening(address: tuple[str, int]) -> socket.socket:
    """At the address itself; behind a service's address, which is none of ours, at all of ours."""
    try:
        return socket.create_server(address)
    except OSError:
        return socket.create_server(("", address[1]))


def _received(link: socket.socket, like: NDArray[np.float32]) -> NDArray[np.float32]:
    data = bytearray(like.nbytes)
    view = memoryview(data)
    while view:
        count = link.recv_into(view)
        if not count:
            raise ConnectionError("another process of the group has ended")
        view = view[count:]
    return np.frombuffer(data, np.float32)
