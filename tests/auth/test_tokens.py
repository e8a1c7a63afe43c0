"""Tokens prove who somebody is, and stop doing so when they should."""

import time
from datetime import UTC, datetime

import jwt
import pytest

from sampan.auth.keys import SigningKey
from sampan.auth.tokens import API_AUDIENCE, Tokens
from sampan.kube.keys import Key
from sampan.lib.clock import ManualClock

ACCOUNT = {"metadata": {"namespace": "team", "name": "robot", "uid": "u1"}}
ACCOUNT_KEY = Key("ServiceAccount", "team", "robot")
POD_KEY = Key("Pod", "team", "p")
POD = {"kind": "Pod", "metadata": {"namespace": "team", "name": "p", "uid": "u2"}}
SECRET_KEY = Key("Secret", "team", "s")
SECRET = {"kind": "Secret", "metadata": {"namespace": "team", "name": "s", "uid": "u3"}}


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def objects():
    return {ACCOUNT_KEY: ACCOUNT, POD_KEY: POD, SECRET_KEY: SECRET}


@pytest.fixture
def key(tmp_path):
    return SigningKey.load_or_make(tmp_path / "signing.key")


@pytest.fixture
def tokens(key, clock, objects):
    return Tokens(key, clock, objects.get)


def test_a_person_keeps_name_and_groups(tokens):
    user = tokens.user(tokens.for_person("ada", ["team"], 60))
    assert (user.name, user.groups) == ("ada", ("team", "system:authenticated"))


def test_a_token_expires(tokens, clock):
    token = tokens.for_person("ada", [], 60)
    assert tokens.user(token)
    clock.advance(60)
    assert tokens.user(token) is None


def test_a_clock_that_is_set_back_shuts_nobody_out(tokens, key, clock, objects):
    person = tokens.for_person("ada", [], 60)
    account, _ = tokens.for_account(ACCOUNT, seconds=600)
    clock.set_by(-86_400)
    assert tokens.user(person)
    assert Tokens(key, clock, objects.get).user(account), "after a restart as well"


def test_an_account_has_its_namespace_as_a_group(tokens):
    token, expires = tokens.for_account(ACCOUNT, seconds=600)
    user = tokens.user(token)
    assert user.name == "system:serviceaccount:team:robot"
    assert "system:serviceaccounts:team" in user.groups
    assert expires == datetime(2026, 1, 1, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bound", "gone"),
    [
        pytest.param(POD, ACCOUNT_KEY, id="account"),
        pytest.param(POD, POD_KEY, id="pod"),
        pytest.param(SECRET, SECRET_KEY, id="secret"),
    ],
)
def test_a_bound_token_dies_with_what_it_is_bound_to(tokens, objects, bound, gone):
    token, _ = tokens.for_account(ACCOUNT, bound=bound)
    assert tokens.user(token)
    del objects[gone]
    assert tokens.user(token) is None


def test_a_token_tells_of_its_pod_and_node(tokens):
    node = {"kind": "Node", "metadata": {"name": "n", "uid": "u4"}}
    token, _ = tokens.for_account(ACCOUNT, bound=POD, node=node)
    extra = tokens.user(token).extra
    assert extra.pop("authentication.kubernetes.io/credential-id")[0].startswith("JTI=")
    assert extra == {
        "authentication.kubernetes.io/node-name": ["n"],
        "authentication.kubernetes.io/node-uid": ["u4"],
        "authentication.kubernetes.io/pod-name": ["p"],
        "authentication.kubernetes.io/pod-uid": ["u2"],
    }


@pytest.mark.parametrize("gone", [ACCOUNT_KEY, SECRET_KEY], ids=["account", "secret"])
def test_a_token_in_a_secret_lives_as_long_as_that(tokens, clock, objects, gone):
    token = tokens.for_secret(ACCOUNT, SECRET)
    clock.advance(10 * 365 * 86_400)
    user = tokens.user(token)
    assert (user.name, user.uid) == ("system:serviceaccount:team:robot", "u1")
    assert tokens.review(token, ["pipelines"]) is None
    objects[gone] = {"metadata": {"uid": "other"}}
    assert tokens.user(token) is None


def test_an_account_made_anew_does_not_honour_old_tokens(tokens, objects):
    token, _ = tokens.for_account(ACCOUNT)
    objects[ACCOUNT_KEY] = {"metadata": {"uid": "other"}}
    assert tokens.user(token) is None


def test_a_token_for_another_audience_is_not_for_the_api(tokens):
    token, _ = tokens.for_account(ACCOUNT, audiences=["pipelines"])
    assert tokens.user(token) is None
    assert tokens.review(token, ["pipelines", "x"])[1] == ["pipelines"]


def _claims(**extra):
    now = int(time.time())
    return {"iss": "sampan", "sub": "eve", "aud": [API_AUDIENCE], "exp": now + 60, **extra}


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda key: "nonsense", id="no-jwt"),
        pytest.param(lambda key: jwt.encode(_claims(), None, "none"), id="unsigned"),
        pytest.param(lambda key: jwt.encode(_claims(), "k" * 32, "HS256"), id="other-algorithm"),
        pytest.param(
            lambda key: jwt.encode(_claims(iss="me"), key.private, "ES256"), id="other-issuer"
        ),
        pytest.param(
            lambda key: jwt.encode({"sub": "eve"}, key.private, "ES256"), id="claims-missing"
        ),
        pytest.param(
            lambda key: jwt.encode({"iss": "sampan", "sub": "eve"}, key.private, "ES256"),
            id="a-person-for-ever",
        ),
        pytest.param(
            lambda key: jwt.encode(_claims(exp="soon"), key.private, "ES256"), id="claims-nonsense"
        ),
    ],
)
def test_a_forged_token_is_nobodys(tokens, key, forge):
    assert tokens.user(forge(key)) is None


def test_the_key_is_private_and_stays(tmp_path):
    path = tmp_path / "signing.key"
    first = SigningKey.load_or_make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.load_or_make(path).id == first.id
