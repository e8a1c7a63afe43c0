"""The owner: whoever runs Sampan is known on this machine without a token.

`kfp.Client(host=…)` sends none when it is given none. A connection over loopback has two ends that
the kernel knows: who made the other one, and which program holds it. When that is a program of the
same user, outside of every sandbox, it could read the home's kubeconfig as well, so the request
gets a token of that user. Everybody else is told nothing here: pods have namespaces of their own,
our own processes do what others ask of them, and browsers, which speak for the pages that they
show, and proxies, which speak for others, say in their headers what they are. A header can only
take this identity away. Linux alone; `owner: false` in config.yaml turns it off.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]
Address = tuple[str, int]

_FOR_OTHERS = frozenset(
    (b"authorization", b"cookie", b"forwarded", b"origin", b"referer", b"via", b"x-real-ip")
)
_FOR_OTHERS_TOO = (b"sec-", b"x-forwarded-")
"""Who sends one of these is a browser, a proxy, or somebody with an identity of their own."""
_NAMESPACES = ("user", "mnt", "net", "pid")
_OURS = b"sampan.nodes."
"""In the command lines of the processes that live on without us."""
_MOST_KNOWN = 256
_known: set[str] = set()


class Owned:
    """An application whose requests by the owner carry a token of theirs. `token` makes one."""

    def __init__(self, app: App, token: Callable[[], str]) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and speaks_for_itself(scope) and is_ours(scope):
            given = (b"authorization", f"Bearer {self._token()}".encode())
            scope = {**scope, "headers": [*scope["headers"], given]}
        await self._app(scope, receive, send)


def speaks_for_itself(scope: dict[str, Any]) -> bool:
    given = [name.lower() for name, _ in scope.get("headers") or ()]
    return not any(name in _FOR_OTHERS or name.startswith(_FOR_OTHERS_TOO) for name in given)


def is_ours(scope: dict[str, Any]) -> bool:
    """Whether the other end of the connection is held by a program of our user, and none of a
    sandbox. What cannot be found out is a no."""
    client, server = scope.get("client"), scope.get("server")
    return client is not None and server is not None and holds(tuple(client), tuple(server))


def holds(end: Address, ours: Address) -> bool:
    """The same of the connection between these two ends."""
    with suppress(OSError, ValueError):
        if not ip_address(end[0]).is_loopback:
            return False
        uid, inode = _socket(end, ours)
        return uid == os.getuid() and inode != "0" and _is_known(f"socket:[{inode}]")
    return False


def _is_known(held: str) -> bool:
    """`_is_outside`, looked up once for each connection: inodes of sockets are counted up."""
    if held not in _known and _is_outside(held):
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known.add(held)
    return held in _known


def _socket(end: Address, other: Address) -> tuple[int, str]:
    """The user and the inode of the socket at this end. ValueError when there is none. Some
    libraries, such as gRPC's, have sockets of IPv6 for addresses of IPv4 as well."""
    tables = (("tcp6", ""),) if ":" in end[0] else (("tcp", ""), ("tcp6", "::ffff:"))
    for table, before in tables:
        wanted = f" {_hex(end, before)} {_hex(other, before)} 01 "
        for line in Path("/proc/net", table).read_text().splitlines():
            if wanted in line:
                fields = line.split()
                return int(fields[7]), fields[9]
    raise ValueError("no such connection")


def _hex(address: Address, before: str) -> str:
    """As /proc/net writes it: words of four bytes as the machine's numbers."""
    host = before + address[0]
    packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{address[1]:04X}"


def _is_outside(held: str) -> bool:
    """Whether each program that holds this is in our namespaces and none of ours, and there is
    one."""
    holders = [process for process in _processes() if _holds(process, held)]
    return bool(holders) and all(_beside_us(each) and not _below_us(each) for each in holders)


def _beside_us(process: str) -> bool:
    return all(
        os.readlink(f"/proc/{process}/ns/{name}") == os.readlink(f"/proc/self/ns/{name}")
        for name in _NAMESPACES
    )


def _below_us(process: str) -> bool:
    """Whether this is a process of Sampan's, or was started by one."""
    while process not in ("0", "1"):
        if int(process) == os.getpid() or _OURS in Path("/proc", process, "cmdline").read_bytes():
            return True
        status = Path("/proc", process, "stat").read_text()
        process = status.rpartition(")")[2].split()[1]
    return False


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdecimal()]


def _holds(process: str, held: str) -> bool:
    directory = f"/proc/{process}/fd"
    with suppress(OSError):
        for descriptor in os.listdir(directory):
            with suppress(OSError):
                if os.readlink(f"{directory}/{descriptor}") == held:
                    return True
    return False
