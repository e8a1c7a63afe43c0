"""Services, names and the way out, with sockets in place of pods."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any

import pytest

from sampan.nodes.network import egress

ADDRESS = "10.96.4.4"


def entry(*backends: tuple[str, int], protocol: str = "TCP", **more: Any) -> dict[str, Any]:
    port = {"name": "p", "port": 80, "protocol": protocol, "node": 0, "to": list(backends)}
    return {"ip": ADDRESS, "affinity": 0, "ports": [port], "addresses": [], **more}


@pytest.fixture
def pods(ground: Any) -> Any:
    """client, one and two."""
    for number, uid in enumerate(("client", "one", "two"), 5):
        ground.pod(uid, f"10.244.0.{number}")
    return ground


def answering(ground: Any, uid: str) -> socket.socket:
    """Says its name to whoever connects."""
    server: socket.socket = ground.listen(uid, 80)

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                while data := client.recv(65_536):
                    client.sendall(data)
                client.sendall(uid.encode())

    threading.Thread(target=serve, daemon=True).start()
    return server


def ask(ground: Any, words: bytes = b"", ip: str = ADDRESS) -> bytes:
    said = b""
    with ground.dial("client", ip, 80) as client:
        client.sendall(words)
        client.shutdown(socket.SHUT_WR)
        while data := client.recv(65_536):
            said += data
    return said


def close(*servers: socket.socket) -> None:
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def test_connections_go_to_each_endpoint_in_turn(pods: Any) -> None:
    servers = [answering(pods, uid) for uid in ("one", "two")]
    pods.services(**{"t/s": entry(("10.244.0.6", 80), ("10.244.0.7", 80))})
    assert sorted(ask(pods) for _ in range(4)) == [b"one", b"one", b"two", b"two"]
    words = bytes(range(256)) * 8_000
    assert ask(pods, words)[:-3] == words
    pods.services(**{"t/s": entry(("10.244.0.6", 80), ("10.244.0.7", 80), affinity=60)})
    assert len({ask(pods) for _ in range(4)}) == 1
    close(*servers)


def test_an_endpoint_where_nobody_listens_is_passed_over(pods: Any) -> None:
    server = answering(pods, "two")
    pods.services(**{"t/s": entry(("10.244.0.6", 80), ("10.244.0.7", 80))})
    assert [ask(pods) for _ in range(3)] == [b"two"] * 3
    close(server)
    with pytest.raises(ConnectionResetError):
        ask(pods, b"x")


def test_nothing_behind_a_service_refuses(pods: Any) -> None:
    server = answering(pods, "one")
    pods.services(**{"t/s": entry(("10.244.0.6", 80))})
    assert ask(pods) == b"one"
    pods.tell(op="services", table={"t/s": entry()})
    with pytest.raises(ConnectionRefusedError):
        ask(pods)
    pods.tell(op="services", table={"t/s": entry(("10.244.0.6", 80))})
    assert ask(pods) == b"one"
    pods.services()
    with pytest.raises(ConnectionRefusedError):
        ask(pods)
    close(server)


def test_a_service_of_ours_is_told_whose_connection_it_is(pods: Any) -> None:
    server = answering(pods, "one")
    made = entry(("10.244.0.6", 80))
    pods.services(**{"t/s": {**made, "word": "secret"}})
    assert ask(pods, b"hello") == b"POD secret 10.244.0.5\nhelloone"
    pods.services(**{"t/s": {**made, "word": "other"}})
    assert ask(pods) == b"POD other 10.244.0.5\none"
    pods.services(**{"t/s": made})
    assert ask(pods, b"hello") == b"helloone"
    close(server)


def test_datagrams_come_back_from_the_services_address(pods: Any) -> None:
    server = pods.socket("one", "datagram", bind=["0.0.0.0", 80])
    pods.services(**{"t/s": entry(("10.244.0.6", 80), protocol="UDP")})
    with pods.socket("client", "datagram") as client:
        for word in (b"a", b"b"):
            client.sendto(word, (ADDRESS, 80))
            data, peer = server.recvfrom(9)
            server.sendto(data + b"!", peer)
            assert client.recvfrom(9) == (word + b"!", (ADDRESS, 80))
    server.close()


def test_a_node_port_is_the_machines(pods: Any) -> None:
    server = answering(pods, "one")
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    made = entry(("10.244.0.6", 80))
    made["ports"][0]["node"] = number
    pods.services(**{"t/s": made})
    with socket.create_connection(("127.0.0.1", number), timeout=5) as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(9) == b"one"
    close(server)


def test_names_are_answered_by_datagram_and_by_stream(pods: Any) -> None:
    pods.services(**{"t/s": entry(("10.244.0.6", 80))})
    query = b"\0\7\1\0\0\1\0\0\0\0\0\0\1s\1t\3svc\7cluster\5local\0\0\1\0\1"
    with pods.socket("client", "datagram") as client:
        client.sendto(query, ("10.96.0.10", 53))
        said = client.recv(512)
    assert said.endswith(socket.inet_aton(ADDRESS))
    with pods.dial("client", "10.96.0.10", 53) as client:
        for cut in (1, 20):  # however it is cut into pieces
            message = struct.pack("!H", len(query)) + query
            client.sendall(message[:cut])
            client.sendall(message[cut:])
            assert client.recv(512)[2:] == said


def test_pods_get_out_but_not_to_the_machines_loopback(pods: Any) -> None:
    answer, _ = pods.ask(op="list")
    if answer["egress"] != "all" or not (own := _own_address()):
        pytest.skip("no way out of this machine")
    with (
        socket.create_server((own, 0)) as server,
        pods.dial("client", *server.getsockname()) as client,
    ):
        accepted, _ = server.accept()
        client.sendall(b"out")
        assert accepted.recv(9) == b"out"
        accepted.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.bind((own, 0))
        with pods.socket("client", "datagram") as client:
            client.sendto(b"ping", there.getsockname())
            _, peer = there.recvfrom(9)
            there.sendto(b"pong", peer)
            assert client.recvfrom(9) == (b"pong", there.getsockname())
    with socket.create_server(("127.0.0.1", 0)) as server:
        pods.services(**{"t/s": entry(server.getsockname())})  # nor by way of a service
        with pytest.raises(OSError, match=r"reset|refused|closed"):
            assert ask(pods, b"x") == b"never"


def test_without_nf_tables_common_ports_lead_out(old_kernel: Any) -> None:
    ground = old_kernel
    for number, uid in enumerate(("client", "one"), 5):
        ground.pod(uid, f"10.244.0.{number}")
    assert ground.ask(op="list")[0]["egress"] == "ports"
    server = answering(ground, "one")
    ground.services(**{"t/s": entry(("10.244.0.6", 80))})
    assert ask(ground) == b"one"  # although all addresses are listened on at this port
    close(server)
    try:
        free = socket.create_server((_own_address(), 27017))  # one of the common ports
    except OSError as error:
        pytest.skip(f"no address or no port to try it with: {error}")
    with free, ground.dial("client", *free.getsockname()) as client:
        accepted, _ = free.accept()
        client.sendall(b"out")
        assert accepted.recv(9) == b"out"
        accepted.close()


def _own_address() -> str:
    """Of this machine in its own network; no packet is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(sock.getsockname()[0])


@pytest.mark.parametrize(
    ("ip", "expected"),
    [("1.1.1.1", True), ("192.168.1.1", True), ("10.0.0.1", True), ("10.243.9.9", True),
     ("127.0.0.1", False), ("127.9.9.9", False), ("0.0.0.0", False), ("224.0.0.1", False),
     ("255.255.255.255", False), ("10.244.0.5", False), ("10.96.0.1", False)],
)  # fmt: skip
def test_what_may_be_reached(ip: str, expected: bool) -> None:
    assert egress.allowed(ip) is expected
