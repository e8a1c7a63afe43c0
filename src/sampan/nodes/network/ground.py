"""The ground that pods stand on: one user and one network namespace, and each pod's own one.

A process that stays inside and answers on `ground.sock`, one message for each request, in order:

    pod {uid, ip}    make the pod's network namespace, or find the one that it has -> {join}
    drop {uid}       forget it; its devices go, the rest goes with its last process
    list             -> {pods: {uid: ip}}
    socket {type, in, transparent, bind, listen}    -> {} + descriptor, of a socket that lives here
                     or, with `in`, in the pod's namespace
    end              leave; everything that was made goes

`join` is what a child of the supervisor needs to get in: files to pass to setns, in order. A
socket belongs for ever to the namespace that it was made in, whoever uses it. Pods reach each
other and us by routes alone: each has an address without a net, a pair of devices, and us as
gateway, so there is no bridge with its 1,024 ports.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket

from sampan.kube.nets import GATEWAY, PODS, SERVICES
from sampan.nodes.network import catch, netlink
from sampan.nodes.supervisor import process
from sampan.nodes.supervisor.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

SOCKET = "ground.sock"
TRANSPARENT = 19  # IP_TRANSPARENT: an address that is not ours
_RECEIVE_DESTINATION = 20  # IP_RECVORIGDSTADDR
_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_LOOPBACK = "127.0.0.0/8"
_OUTSIDE = 100  # a routing table of our own
_DEVICES = 1000  # the lower half of a pod's address above this is the index of its device
_MOST = 65_536  # bytes of a message
_LINGER = 10.0  # seconds after which a device that is left is taken away
_SETTINGS = {
    "ipv4/ip_forward": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/icmp_echo_ignore_all": "1",  # every service's address would answer, and mean nothing
}


class Pod:
    """`space` is the descriptor of its network namespace."""

    def __init__(self, ip: str, space: int) -> None:
        self.ip = ip
        self.space = space

    @property
    def device(self) -> int:
        _, _, high, low = self.ip.split(".")
        return _DEVICES + int(high) * 256 + int(low)


class Ground:
    """Make it inside the new namespaces."""

    def __init__(self, listener: socket.socket) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
        self.pods: dict[str, Pod] = {}
        self.loop = Loop(lambda _pid, _status: None)
        self.egress = ""
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._kernel = netlink.Netlink()
        self._listener = listener
        self._operations: dict[str, Callable[..., tuple[dict[str, Any], int]]] = {
            "pod": self._pod,
            "drop": self._drop,
            "list": self._list,
            "socket": self._socket,
            "end": self._end,
        }
        self._set_up()
        self.loop.watch(listener.fileno(), self._accept)

    def _set_up(self) -> None:
        for name, value in _SETTINGS.items():
            _set(name, value)
        self._kernel([
            netlink.up(netlink.LOOPBACK),
            netlink.address(GATEWAY, netlink.LOOPBACK),
            netlink.local_route(SERVICES),
            netlink.unreachable(PODS),
            netlink.local_route("0.0.0.0/0", _OUTSIDE),
        ])  # fmt: skip
        try:
            catch.install((PODS, SERVICES, _LOOPBACK))
            self._kernel([netlink.rule_for_mark(catch.MARK, _OUTSIDE, 100)])
            self.egress = "all"
        except OSError:  # no nf_tables: only those ports that somebody listens on
            self._kernel([netlink.rule_for_source(PODS, _OUTSIDE, 40_000)])
            self.egress = "ports"

    # -- requests ---------------------------------------------------------------------------------
    def _accept(self, _events: int) -> None:
        with contextlib.suppress(OSError):
            sock, _ = self._listener.accept()
            self.loop.watch(sock.fileno(), lambda _events: self._receive(sock))

    def _receive(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(_MOST)
        except OSError:
            data = b""
        if not data:
            self.loop.ignore(sock.fileno())
            sock.close()
            return
        answer, fd = self._answer(data)
        encoded = json.dumps(answer).encode()
        with contextlib.suppress(OSError):  # who asked may have left
            if fd < 0:
                sock.send(encoded)
            else:
                socket.send_fds(sock, [encoded], [fd])
        if fd >= 0:
            os.close(fd)

    def _answer(self, data: bytes) -> tuple[dict[str, Any], int]:
        try:
            request = json.loads(data)
            return self._operations[request.pop("op")](**request)
        except Exception as error:  # one bad request must not end every pod's network
            return {"error": f"{type(error).__name__}: {error}"}, -1

    def _pod(self, uid: str, ip: str) -> tuple[dict[str, Any], int]:
        pod = self.pods.get(uid)
        if pod is None or pod.ip != ip:
            self._forget(uid)
            pod = self.pods[uid] = self._make(ip)
        mine = f"/proc/{os.getpid()}"
        return {"join": [f"{mine}/ns/user", f"{mine}/fd/{pod.space}"]}, -1

    def _drop(self, uid: str) -> tuple[dict[str, Any], int]:
        self._forget(uid)
        return {}, -1

    def _list(self) -> tuple[dict[str, Any], int]:
        pods = {uid: pod.ip for uid, pod in self.pods.items()}
        return {"pods": pods, "pid": os.getpid(), "egress": self.egress}, -1

    def _socket(
        self, kind: str, place: str = "", bind: Any = None, *, transparent: bool = False,
        listen: bool = False,
    ) -> tuple[dict[str, Any], int]:  # fmt: skip
        with self._inside(self.pods[place].space if place else -1):
            stream = kind == "stream"
            sock = socket.socket(
                socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
            )
        if transparent:
            sock.setsockopt(socket.IPPROTO_IP, TRANSPARENT, 1)
            if not stream:
                sock.setsockopt(socket.IPPROTO_IP, _RECEIVE_DESTINATION, 1)
        if bind is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if listen and not place:  # one on all addresses may stand beside one on a service's
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(tuple(bind))
        if listen:
            sock.listen(512)
        return {}, sock.detach()

    def _end(self) -> tuple[dict[str, Any], int]:
        self.loop.later(0.0, self.loop.stop)
        return {}, -1

    # -- namespaces -------------------------------------------------------------------------------
    def _make(self, ip: str) -> Pod:
        process.check(process.libc.unshare(_NEWNET), "a network namespace for a pod")
        try:
            pod = Pod(ip, os.open("/proc/self/ns/net", os.O_RDONLY))
            kernel = netlink.Netlink()
            _set("ipv4/ip_unprivileged_port_start", "0")  # a pod's user may bind port 80
        finally:
            process.check(process.libc.setns(self._home, _NEWNET), "back to the ground")
        try:
            self._remove(pod.device)  # of one that had this address a moment ago
            self._connect(pod, kernel)
        except OSError:
            os.close(pod.space)
            raise
        finally:
            kernel.close()
        return pod

    def _connect(self, pod: Pod, inside: netlink.Netlink) -> None:
        self._kernel([
            netlink.pair(f"pod{pod.device}", pod.device, "eth0", pod.space),
            netlink.route(f"{pod.ip}/32", pod.device, source=GATEWAY),
        ])  # fmt: skip
        inside([
            netlink.up(netlink.LOOPBACK),
            netlink.up(netlink.PEER),
            netlink.address(pod.ip, netlink.PEER),
            netlink.route(f"{GATEWAY}/32", netlink.PEER),
            netlink.default_route(GATEWAY, netlink.PEER),
        ])  # fmt: skip

    def _forget(self, uid: str) -> None:
        """The kernel takes the devices away with the namespace, many at once and while we go on;
        to do it ourselves would take 7 ms each. Later we look whether anything is left."""
        pod = self.pods.pop(uid, None)
        if pod is not None:
            os.close(pod.space)
            self.loop.later(_LINGER, lambda: self._remove(pod.device))

    def _remove(self, device: int) -> None:
        if all(pod.device != device for pod in self.pods.values()):
            with contextlib.suppress(OSError):
                self._kernel([netlink.remove(device)])

    @contextlib.contextmanager
    def _inside(self, space: int) -> Iterator[None]:
        if space < 0:
            yield
            return
        process.check(process.libc.setns(space, _NEWNET), "enter a pod's network")
        try:
            yield
        finally:
            process.check(process.libc.setns(self._home, _NEWNET), "back to the ground")


def main(wait_for_mapping: Callable[[], None], ready: Callable[[], None]) -> None:
    """Serve in the current directory until told to end. OSError when namespaces may not be made,
    or something in them cannot be set up."""
    process.check(process.libc.unshare(_NEWUSER | _NEWNET), "a user namespace")
    wait_for_mapping()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SOCKET)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(SOCKET)
    ground = Ground(listener)
    listener.listen(64)
    listener.setblocking(False)
    ready()
    ground.loop.run()
    os.unlink(SOCKET)
    os.chdir("/")


def _set(name: str, value: str) -> None:
    """A setting of the network namespace that we are in. A /proc that is read-only may have the
    right one already."""
    path = f"/proc/sys/net/{name}"
    try:
        with open(path, "w") as file:
            file.write(value)
    except OSError:
        with open(path) as file:
            if file.read().strip() != value:
                raise
