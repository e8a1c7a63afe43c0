"""Addresses, names and GPUs of pods."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes.gpus import Gpus, devices, variables, wanted
from sampan.nodes.hosts import Addresses, hostname, hosts_file


@given(st.lists(st.one_of(st.none(), st.integers(0, 20))))
def test_no_two_pods_have_one_address(steps: list[int | None]) -> None:
    addresses, held = Addresses(), []
    for step in steps:
        if step is None:
            taken = addresses.take()
            assert taken not in held
            held.append(taken)
        elif held:
            addresses.release(held.pop(step % len(held)))


def test_an_address_can_be_kept() -> None:
    addresses = Addresses()
    assert addresses.hold("127.1.0.1")
    assert not addresses.hold("127.1.0.1")
    assert addresses.take() == "127.1.0.2"
    for bad in ("10.0.0.1", "127.0.0.1", "x", ""):
        assert not addresses.hold(bad)


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ns"}, "spec": spec}


def test_names() -> None:
    assert hostname(pod()) == "p"
    assert hostname(pod(hostname="h")) == "h"
    assert hostname(pod("a" * 62 + "-bcd")) == "a" * 62
    aliases = [{"ip": "1.2.3.4", "hostnames": ["x", "y"]}]
    text = hosts_file(pod(subdomain="sub", hostAliases=aliases), "127.1.0.1")
    assert "127.1.0.1\tp.sub.ns.svc.cluster.local p\n" in text
    assert text.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert text.endswith("\n\n# Entries added by HostAliases.\n1.2.3.4\tx\ty\n")


def test_a_pod_in_the_machines_network_has_its_names() -> None:
    text = hosts_file(pod(hostNetwork=True), "127.0.0.1", "127.0.0.1 localhost\n10.1.1.1 db\n")
    assert text.splitlines() == [
        "# Kubernetes-managed hosts file (host network).",
        "127.0.0.1 localhost",
        "10.1.1.1 db",
        "127.0.0.1\tp",
    ]


def test_gpus_are_handed_out_and_given_back() -> None:
    gpus = Gpus(3)
    assert gpus.take("a", 2) == [0, 1]
    assert gpus.take("a", 2) == [0, 1]
    assert gpus.take("b", 1) == [2]
    gpus.release("a")
    gpus.hold("c", [0])
    assert gpus.take("d", 1) == [1]
    assert gpus.take("none", 0) == []
    assert variables([0, 1])["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert variables([]) == {}
    assert "/dev/nvidia1" in devices([1])
    assert devices([]) == ()
    assert wanted({"resources": {"limits": {"nvidia.com/gpu": "2"}}}) == 2
