"""Logins and challenges."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes.images.oci.login import Challenge, Login, best, challenge, read


def auth(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="x"', Challenge("basic", {"realm": "x"})),
        (
            'Bearer realm="https://a/t",service="r",scope="repository:x/y:pull,push"',
            Challenge(
                "bearer",
                {"realm": "https://a/t", "service": "r", "scope": "repository:x/y:pull,push"},
            ),
        ),
        ("bearer REALM=a , service = b", Challenge("bearer", {"realm": "a", "service": "b"})),
        (r'Bearer realm="a\"b"', Challenge("bearer", {"realm": 'a"b'})),
        ("Negotiate", Challenge("negotiate", {})),
        ("", None),
        ('"', None),
    ],
)
def test_a_challenge_is_read(header: str, expected: Challenge | None) -> None:
    assert challenge(header) == expected


@given(st.text(max_size=60))
def test_no_header_breaks_it(header: str) -> None:
    found = challenge(header)
    assert found is None or found.scheme == found.scheme.lower()


def test_both_kinds_of_files_are_read() -> None:
    new = {"auths": {"https://index.docker.io/v1/": {"auth": auth("me:pass:word")}}}
    assert read(json.dumps(new)) == [Login("docker.io", "me", "pass:word")]
    old = {"registry.example": {"username": "u", "password": "p", "email": "x"}}
    assert read(json.dumps(old)) == [Login("registry.example", "u", "p")]
    token = {"auths": {"r.example": {"identitytoken": "t"}}}
    assert read(json.dumps(token)) == [Login("r.example", token="t")]


@pytest.mark.parametrize(
    "entry",
    [{}, {"auth": "!"}, {"auth": 5}, {"auth": auth("\x80")[:-2]}, 7, None, {"username": ["x"]}],
)
def test_an_entry_without_sense_is_left_out(entry: object) -> None:
    both = {"auths": {"a": entry, "b": {"auth": auth("x:y")}}}
    assert read(json.dumps(both)) == [Login("b", "x", "y")]


@pytest.mark.parametrize("text", ["", "[]", "5", '{"auths": 3}', '{"auths": []}'])
def test_a_file_without_sense_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)


def test_the_most_specific_login_comes_first() -> None:
    logins = [Login(key, key) for key in ("*.example", "r.example/team", "other")]
    found = [login.server for login in best(logins, "r.example", "team/app")]
    assert found == ["r.example/team", "*.example"]
    assert [login.server for login in best(logins, "r.example", "teams/app")] == ["*.example"]
    assert best(logins, "a.r.example", "team/app") == []
