"""A pod's /etc/resolv.conf by its policy."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.nodes.resolv import of_pod, parse

MACHINE = parse("nameserver 9.9.9.9\nsearch example.com\noptions timeout:1 rotate\n")
LOCAL = parse("nameserver 127.0.0.53\n")
OURS = "search team.svc.cluster.local svc.cluster.local cluster.local"
CLUSTER = f"nameserver 10.96.0.10\n{OURS} example.com\noptions ndots:5\n"
CONFIG = {
    "nameservers": ["1.1.1.1"],
    "searches": ["mine", "cluster.local"],
    "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
}


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "team"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "networked", "text"),
    [
        pytest.param({}, True, CLUSTER, id="cluster-first"),
        pytest.param({"dnsPolicy": "ClusterFirst", "dnsConfig": CONFIG}, True,
                     f"nameserver 10.96.0.10\nnameserver 1.1.1.1\n{OURS} example.com mine\n"
                     "options ndots:2 edns0\n", id="with-config"),
        pytest.param({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"]}}, True,
                     "nameserver 1.1.1.1\n", id="none"),
        pytest.param({"dnsPolicy": "Default"}, True,
                     "nameserver 9.9.9.9\nsearch example.com\noptions timeout:1 rotate\n",
                     id="default"),
        pytest.param({"hostNetwork": True}, False,
                     "nameserver 9.9.9.9\nsearch example.com\noptions timeout:1 rotate\n",
                     id="host-network"),
    ],
)  # fmt: skip
def test_policies(spec: dict[str, Any], networked: bool, text: str) -> None:
    assert of_pod(pod(**spec), MACHINE, networked=networked).text() == text


def test_the_machines_loopback_is_nothing_to_a_pod() -> None:
    found = of_pod(pod(dnsPolicy="Default"), LOCAL, networked=True)
    assert found.nameservers == ("10.96.0.10",)
    assert of_pod(pod(dnsPolicy="Default"), LOCAL, networked=False).nameservers == ("127.0.0.53",)
