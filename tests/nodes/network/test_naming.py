"""Names of services and pods."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.nodes.network.dns import AAAA, ANY, CNAME, NO_NAME, OK, PTR, SRV, A
from sampan.nodes.network.naming import Names

HTTP = {"name": "http", "port": 80, "protocol": "TCP", "node": 0, "to": [["10.244.0.5", 8080]]}
WEB = {"ip": "10.96.7.7", "ports": [HTTP], "addresses": [["10.244.0.5", ""]]}
DB = {
    "ip": "",
    "ports": [{**HTTP, "to": [["10.244.0.6", 8080], ["10.244.0.7", 8081]]}],
    "addresses": [["10.244.0.6", "db-0"], ["10.244.0.7", ""]],
}
FAR = {"external": "example.com", "ports": [], "addresses": []}


def table() -> Names:
    names = Names()
    for key, entry in (("team/web", WEB), ("team/db", DB), ("team/far", FAR)):
        names.update(key, entry)
    return names


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("web.team.svc.cluster.local", A, ["10.96.7.7"]),
        ("web.team.svc.cluster.local", AAAA, []),
        ("web.other.svc.cluster.local", A, None),
        ("x.web.team.svc.cluster.local", A, None),
        ("10-244-0-5.web.team.svc.cluster.local", A, None),
        ("db.team.svc.cluster.local", A, ["10.244.0.6", "10.244.0.7"]),
        ("db-0.db.team.svc.cluster.local", A, ["10.244.0.6"]),
        ("10-244-0-7.db.team.svc.cluster.local", A, ["10.244.0.7"]),
        ("db-9.db.team.svc.cluster.local", A, None),
        ("_http._tcp.web.team.svc.cluster.local", SRV,
         [(80, "web.team.svc.cluster.local"), "10.96.7.7"]),
        ("_http._tcp.db.team.svc.cluster.local", SRV,
         [(8080, "db-0.db.team.svc.cluster.local"),
          (8081, "10-244-0-7.db.team.svc.cluster.local"), "10.244.0.6", "10.244.0.7"]),
        ("_http._udp.db.team.svc.cluster.local", SRV, None),
        ("far.team.svc.cluster.local", A, ["example.com"]),
        ("far.team.svc.cluster.local", CNAME, ["example.com"]),
        ("10-244-0-5.team.pod.cluster.local", A, ["10.244.0.5"]),
        ("10-244-0-256.team.pod.cluster.local", A, None),
        ("cluster.local", A, []),
        ("svc.cluster.local", A, []),
        ("team.svc.cluster.local", ANY, []),
        ("no.svc.cluster.local", A, None),
        ("7.7.96.10.in-addr.arpa", PTR, ["web.team.svc.cluster.local"]),
        ("6.0.244.10.in-addr.arpa", PTR, ["db-0.db.team.svc.cluster.local"]),
        ("9.0.244.10.in-addr.arpa", PTR, None),
    ],
)  # fmt: skip
def test_a_name(name: str, kind: int, expected: list[Any] | None) -> None:
    found = table().find(name, kind)
    assert found is not None
    code, records = found
    assert code == (NO_NAME if expected is None else OK)
    assert [record.value for record in records] == (expected or [])


@pytest.mark.parametrize("name", ["example.com", "notcluster.local", "1.1.1.1.in-addr.arpa", ""])
def test_names_of_others(name: str) -> None:
    assert table().find(name, A) is None


def test_what_is_gone_is_gone_with_all_its_names() -> None:
    names = table()
    names.update("team/db", {**DB, "addresses": DB["addresses"][:1]})
    assert names.find("7.0.244.10.in-addr.arpa", PTR) == (NO_NAME, [])
    names.update("team/db", None)
    assert names.find("db.team.svc.cluster.local", A) == (NO_NAME, [])
    assert names.find("6.0.244.10.in-addr.arpa", PTR) == (NO_NAME, [])
