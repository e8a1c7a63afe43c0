"""Clients that never read: each costs a bounded amount of memory, and nobody else notices."""

import base64
import http.client
import json
import os
import socket
import ssl
import time

import pytest

pytestmark = pytest.mark.slow

MIB = 1 << 20
FLOOD = "yes 0123456789012345678901234567890123456789"
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\nSec-WebSocket-Key: {}\r\n"
)


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("Pss:"))


def unchecked():
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


class Stalled:
    """A connection that asks for something, and then reads no more than the first bytes."""

    def __init__(self, sampan, token, path, headers=""):
        host, port = sampan.state["api"].removeprefix("https://").split(":")
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect((host, int(port)))
        self.socket = unchecked().wrap_socket(raw)
        request = (
            f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
        )
        self.socket.sendall(request.encode())
        assert self.socket.recv(12) in (b"HTTP/1.1 200", b"HTTP/1.1 101")

    @property
    def cut_off(self):
        """Whether the server has closed it; reads what is there to find out."""
        self.socket.settimeout(20)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def close(self):
        self.socket.close()


@pytest.fixture
def talker(own_sampan):
    own_sampan.up()
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", FLOOD + "; sleep 99"]}
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "talker"},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }  # fmt: skip
    own_sampan("apply", "-f", "-", text=json.dumps(pod))
    own_sampan("wait", "pod/talker", "--for", "condition=Ready")
    return own_sampan


def quick(sampan):
    """How long another client waits for its answer."""
    begun = time.monotonic()
    sampan("get", "pods")
    return time.monotonic() - begun


def test_logs_exec_and_attach_hold_back(talker):
    pod = "/api/v1/namespaces/default/pods/talker"
    key = UPGRADE.format(base64.b64encode(os.urandom(16)).decode())
    command = "&".join(f"command={word}" for word in FLOOD.split())
    before, token = memory(talker.pid), talker("token").strip()
    stalled = [Stalled(talker, token, f"{pod}/log?follow=true") for _ in range(5)]
    stalled += [Stalled(talker, token, f"{pod}/exec?stdout=true&{command}", key) for _ in range(5)]
    stalled += [Stalled(talker, token, f"{pod}/attach?stdout=true", key) for _ in range(5)]
    time.sleep(2)  # long enough to fill whatever there is to fill
    assert quick(talker) < 5
    assert memory(talker.pid) - before < 60 * MIB
    for each in stalled:
        each.close()
    assert quick(talker) < 5


def test_a_watcher_that_does_not_read_is_cut_off(own_sampan):
    own_sampan.up()
    before, token = memory(own_sampan.pid), own_sampan("token").strip()
    path = "/api/v1/namespaces/default/configmaps"
    stalled = Stalled(own_sampan, token, f"{path}?watch=true")
    connection = http.client.HTTPSConnection(
        own_sampan.state["api"].removeprefix("https://"), context=unchecked()
    )
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for number in range(24):
        fat = {"metadata": {"name": f"fat-{number}"}, "data": {"k": "x" * 900_000}}
        connection.request("POST", path, json.dumps(fat), headers)
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()
        answer.read()
    connection.close()
    assert stalled.cut_off
    stalled.close()
    # What was written is kept as an object and as history: twice 22 MB.
    assert memory(own_sampan.pid) - before < 130 * MIB
    assert quick(own_sampan) < 5
