"""From Services and EndpointSlices to what the data path knows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes.network.balance import Balancer
from sampan.nodes.network.table import entry

PORT = {"name": "http", "port": 80, "protocol": "TCP", "targetPort": "web"}


def service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "s"}, "spec": {"clusterIP": "10.96.1.1", "ports": [PORT], **spec}}


def part(*endpoints: dict[str, Any], port: int = 8080, name: str = "http") -> dict[str, Any]:
    return {"ports": [{"name": name, "port": port, "protocol": "TCP"}], "endpoints": endpoints}


def at(ip: str, host: str = "", **conditions: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"addresses": [ip], "conditions": {"ready": True, **conditions}}
    return {**made, "hostname": host} if host else made


GONE = {"ready": False, "serving": True, "terminating": True}


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        pytest.param([part(at("10.244.0.5"), at("10.244.0.6"))],
                     [["10.244.0.5", 8080], ["10.244.0.6", 8080]], id="ready"),
        pytest.param([part(at("10.244.0.5")), part(at("10.244.0.6"), port=9090)],
                     [["10.244.0.5", 8080], ["10.244.0.6", 9090]], id="two-groups"),
        pytest.param([part(at("10.244.0.5", ready=False))], [], id="not-ready"),
        pytest.param([part(at("10.244.0.5", **GONE), at("10.244.0.6"))],
                     [["10.244.0.6", 8080]], id="terminating-beside-ready"),
        pytest.param([part(at("10.244.0.5", **GONE))], [["10.244.0.5", 8080]],
                     id="only-terminating"),
        pytest.param([part(at("10.244.0.5"), name="other")], [], id="another-port"),
        pytest.param([part(at("10.244.0.5"), port=70_000)], [], id="no-port"),
        pytest.param([], [], id="none"),
        pytest.param([part(at("fd00::1")) | {"addressType": "IPv6"},
                      part(at("example.com")) | {"addressType": "FQDN"},
                      part(at("10.244.0.5")) | {"addressType": "IPv4"}],
                     [["10.244.0.5", 8080]], id="another-family"),
    ],
)  # fmt: skip
def test_where_connections_go(slices: list[dict[str, Any]], expected: list[Any]) -> None:
    made = entry(service(), slices)
    assert made is not None
    assert made["ports"][0]["to"] == expected


def test_services_without_an_address() -> None:
    made = entry(service(clusterIP="None"), [part(at("10.244.0.5", "db-0"))])
    assert made is not None
    assert (made["ip"], made["addresses"]) == ("", [["10.244.0.5", "db-0"]])
    assert entry({"spec": {"type": "ExternalName", "externalName": "example.com."}}, []) == {
        "external": "example.com", "ports": [], "addresses": [],
    }  # fmt: skip
    assert entry(service(clusterIP=""), []) is None


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        ({}, 0),
        ({"sessionAffinity": "ClientIP"}, 10_800),
        ({"sessionAffinity": "ClientIP",
          "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}}, 5),
    ],
)  # fmt: skip
def test_affinity(spec: dict[str, Any], seconds: int) -> None:
    made = entry(service(**spec), [])
    assert made is not None
    assert made["affinity"] == seconds


@given(st.integers(1, 5), st.integers(1, 30))
def test_endpoints_take_turns(count: int, rounds: int) -> None:
    balancer = Balancer()
    backends = [(f"10.244.0.{n}", 80) for n in range(count)]
    balancer.update(backends, 0)
    first = [next(iter(balancer.order("c", 0.0))) for _ in range(rounds * count)]
    assert all(first.count(backend) == rounds for backend in backends)
    assert sorted(balancer.order("c", 0.0)) == backends


def test_a_client_stays_while_it_comes_back_in_time() -> None:
    balancer = Balancer()
    balancer.update([("a", 1), ("b", 1)], 10)

    def take(client: str, now: float) -> str:
        return next(balancer.order(client, now))[0]

    first = take("one", 0)
    assert [take("one", now) for now in (1, 9, 18)] == [first] * 3
    assert take("two", 2) != first
    balancer.update([("c", 1)], 10)
    assert take("one", 19) == "c"
    balancer.update([], 10)
    assert list(balancer.order("one", 20)) == []
