"""A TCP connection to a port of a pod: `kube.streams.Link`.

A pod is found at its own address, and at 127.0.0.1 when nobody listens there, for programs that
bind localhost only. Both are dialled from inside the pod's network when it has one, so nothing but
the pod is ever reached; otherwise all pods share the machine's loopback net. A status can be
written by who may write statuses, so an address that is neither of that net nor given by the node
is not believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl

from sampan.kube.errors import BadRequest
from sampan.kube.keys import Manifest
from sampan.nodes.networking import Networking

_LOCALHOST = "127.0.0.1"
_PATIENCE = 10.0  # seconds to connect
_CHUNK = 1 << 15  # bytes


class Connected:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        return await self._reader.read(_CHUNK)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def end(self) -> None:
        self._writer.write_eof()

    def close(self) -> None:
        self._writer.close()


async def connect(
    pod: Manifest, port: int, networking: Networking, *, tls: bool = False
) -> Connected:
    """With `tls` to whoever answers: nobody vouches for pods. BadRequest says what is wrong."""
    fault = ""
    uid = pod["metadata"]["uid"]
    own = networking.address_of(uid)
    inside = uid if own and networking.networked(pod) else ""
    context = anyone() if tls else None
    for address in addresses(pod, own if inside else ""):
        try:
            async with asyncio.timeout(_PATIENCE):
                return Connected(*await networking.open(address, port, tls=context, inside=inside))
        except OSError as error:
            fault = fault or f"dial tcp {address}:{port}: {_reason(error)}"
    raise BadRequest(f"cannot connect to pod {pod['metadata']['name']}: {fault}")


def addresses(pod: Manifest, given: str = "") -> list[str]:
    """Where the pod may listen, best first. `given` is its address in a network of its own. Raises
    BadRequest while it does not run."""
    status = pod.get("status") or {}
    phase, own = status.get("phase", "Pending"), status.get("podIP", "")
    if phase != "Running":
        raise BadRequest(f"pod {pod['metadata']['name']} is not running: its phase is {phase}")
    if given:
        return [given, _LOCALHOST]
    found = []
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(own).is_loopback:
            found.append(own)
    return found if _LOCALHOST in found else [*found, _LOCALHOST]


def anyone() -> ssl.SSLContext:
    """As the kubelet: what matters is that a pod answers, not who it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return f"no answer within {_PATIENCE:.0f} s"
    return error.strerror or str(error)
