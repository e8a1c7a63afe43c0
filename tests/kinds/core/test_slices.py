"""Admission of EndpointSlices and Endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.core.admit.slices import (
    default_endpoints,
    default_slice,
    validate_endpoints,
    validate_slice,
)


def piece(**fields: Any) -> dict[str, Any]:
    return {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"]}],
        "ports": [{"port": 80}],
    } | fields


def test_ports_have_a_name_and_a_protocol() -> None:
    found = piece()
    default_slice(found)
    assert found["ports"] == [{"name": "", "port": 80, "protocol": "TCP"}]
    endpoints = {"subsets": [{"ports": [{"port": 80}]}]}
    default_endpoints(endpoints)
    assert endpoints["subsets"][0]["ports"] == [{"port": 80, "protocol": "TCP"}]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"addressType": "IPv6", "endpoints": [{"addresses": ["fd00::1"]}]},
        {"addressType": "FQDN", "endpoints": [{"addresses": ["example.com."]}]},
        {"endpoints": None, "ports": None},
        {"endpoints": [{"addresses": ["127.1.0.1"]}]},
    ],
)
def test_good_slices(fields: dict[str, Any]) -> None:
    assert validate_slice(piece(**fields), piece(**fields)) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"addressType": ""}, "addressType"),
        ({"addressType": "IPv9"}, "addressType"),
        ({"endpoints": [{"addresses": []}]}, "endpoints[0].addresses"),
        ({"endpoints": [{"addresses": ["10.0.0.1"] * 101}]}, "endpoints[0].addresses"),
        ({"endpoints": [{"addresses": ["x"]}]}, "endpoints[0].addresses[0]"),
        ({"endpoints": [{"addresses": ["fd00::1"]}]}, "endpoints[0].addresses[0]"),
        ({"endpoints": [{"addresses": ["169.254.1.1"]}]}, "endpoints[0].addresses[0]"),
        (
            {"endpoints": [{"addresses": ["10.0.0.1"], "hostname": "A_"}]},
            "endpoints[0].hostname",
        ),
        ({"ports": [{"port": 70_000}]}, "ports[0].port"),
        ({"ports": [{"port": 1}, {"port": 2}]}, "ports[1].name"),
        ({"ports": [{"name": "A_", "port": 1}]}, "ports[0].name"),
        ({"ports": [{"port": 1, "protocol": "IP"}]}, "ports[0].protocol"),
    ],
)
def test_faults_of_a_slice(fields: dict[str, Any], field: str) -> None:
    assert [each.field for each in validate_slice(piece(**fields), None)] == [field]


def test_the_family_of_a_slice_stays() -> None:
    new = piece(addressType="IPv6", endpoints=[])
    assert [each.field for each in validate_slice(new, piece())] == ["addressType"]


@pytest.mark.parametrize(
    ("subset", "field"),
    [
        ({}, "subsets[0]"),
        ({"addresses": [{"ip": "0.0.0.0"}]}, "subsets[0].addresses[0].ip"),
        ({"notReadyAddresses": [{"ip": "x"}]}, "subsets[0].notReadyAddresses[0].ip"),
        (
            {"addresses": [{"ip": "10.0.0.1", "hostname": "A_"}]},
            "subsets[0].addresses[0].hostname",
        ),
        ({"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 0}]}, "subsets[0].ports[0].port"),
        (
            {"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1}, {"name": "b", "port": 2}]},
            "subsets[0].ports[0].name",
        ),
    ],
)
def test_faults_of_endpoints(subset: dict[str, Any], field: str) -> None:
    assert [each.field for each in validate_endpoints({"subsets": [subset]}, None)] == [field]
