"""The data path's side of the ground: sockets that live in the pods' network.

Questions are answered within a millisecond and are asked one at a time, so this simply waits.
"""

from __future__ import annotations

import json
import os
import socket

from sampan.nodes.network.ground import SOCKET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST = 65_536


class Inside:
    """A connection to the ground that serves in the current directory. OSError when none does."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.connect(SOCKET)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Readable, between questions, only when the ground has gone."""
        return self._socket.fileno()

    def stream(self) -> socket.socket:
        """A TCP socket to connect to a pod with."""
        return self._made("stream")

    def listener(self, ip: str, port: int, *, transparent: bool = False) -> socket.socket:
        return self._made("stream", bind=[ip, port], listen=True, transparent=transparent)

    def datagram(self, ip: str = "", port: int = 0, *, transparent: bool = False) -> socket.socket:
        """A UDP socket, bound if an address is given. A transparent one tells where its packets
        were meant for, and may have an address that is not ours."""
        bind = [ip, port] if ip else None
        return self._made("datagram", bind=bind, transparent=transparent)

    def egress(self) -> str:
        """ "all", or "ports" where the kernel catches nothing by itself."""
        answer, _ = self._ask(op="list")
        return str(answer["egress"])

    def end(self) -> None:
        """The ground leaves; it is waited for."""
        self._ask(op="end")
        self._socket.recv(1)

    def _made(self, kind: str, **rest: Any) -> socket.socket:
        _, fds = self._ask(op="socket", kind=kind, **rest)
        sock = socket.socket(fileno=fds[0])
        sock.setblocking(False)
        return sock

    def _ask(self, **request: Any) -> tuple[dict[str, Any], list[int]]:
        self._socket.send(json.dumps(request).encode())
        data, fds, _, _ = socket.recv_fds(self._socket, _MOST, 1)
        answer = json.loads(data or b'{"error": "the ground has gone"}')
        for fd in fds if "error" in answer else ():
            os.close(fd)
        if "error" in answer:
            raise OSError(answer["error"])
        return answer, fds
