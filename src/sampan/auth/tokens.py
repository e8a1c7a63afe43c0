"""Bearer tokens: made for persons and service accounts, and turned back into users.

All are JWTs signed by the home's key. A person's token carries its groups; a service account's
token is worth nothing once the account (or the pod that it is bound to) is gone or was made anew,
which is checked on each use, in memory. A verified token is remembered until it expires, so that a
request costs a dictionary look-up. A token that was made for another audience is refused.
Upstream: k8s.io/kubernetes pkg/serviceaccount (claims), KEP-1205 (bound tokens).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import jwt
from msgspec import Struct

from sampan.auth.keys import ALGORITHM, SigningKey
from sampan.kube import names
from sampan.kube.access import User
from sampan.kube.keys import Key, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sampan.lib.clock import Clock

ISSUER = "https://kubernetes.default.svc.cluster.local"
PERSON_ISSUER = "sampan"
LASTING_ISSUER = "kubernetes/serviceaccount"  # as upstream: of tokens that lie in Secrets
API_AUDIENCE = ISSUER
DEFAULT_SECONDS = 3600
LEAST_SECONDS = 600  # as upstream: a shorter request is refused by validation
MOST_SECONDS = 2**32
REMEMBERED = 10_000  # tokens; a bound on memory, far above what one machine's clients hold


class Bound(Struct, frozen=True):
    """An object that must live for a token to be valid."""

    key: Key
    uid: str


class Verified(Struct, frozen=True):
    """What a good signature proves: valid until `expires` (Unix seconds) while `bound` lives."""

    user: User
    audiences: tuple[str, ...]
    expires: float
    bound: tuple[Bound, ...] = ()


class Tokens:
    """Issues and checks tokens. `find` reads an object from the cluster, or None."""

    def __init__(
        self, key: SigningKey, clock: Clock, find: Callable[[Key], Manifest | None]
    ) -> None:
        self._key = key
        self._clock = clock
        self._find = find
        self._seen: dict[str, Verified] = {}

    def for_person(self, name: str, groups: Sequence[str], seconds: float) -> str:
        """A token for a person: the kubeconfig's, or the one `sampan token` prints."""
        now = self._clock.now().timestamp()
        return self._sign(
            {
                "iss": PERSON_ISSUER,
                "sub": name,
                "groups": list(groups),
                "aud": [API_AUDIENCE],
                "iat": int(now),
                "exp": int(now + seconds),
            }
        )

    def for_account(
        self,
        account: Manifest,
        *,
        audiences: Sequence[str] = (),
        seconds: int = DEFAULT_SECONDS,
        bound: Manifest | None = None,
        node: Manifest | None = None,
    ) -> tuple[str, datetime]:
        """A service account's token and when it expires. Seconds are as validated by the caller.
        `bound` is the Pod or the Secret that it must not outlive, `node` the pod's."""
        now = self._clock.now()
        expires = now.timestamp() + seconds
        meta = account["metadata"]
        about: dict[str, Any] = {
            "namespace": meta["namespace"],
            "serviceaccount": {"name": meta["name"], "uid": meta["uid"]},
        }
        for each in (bound, node):
            if each is not None:
                named = {field: each["metadata"][field] for field in ("name", "uid")}
                about[each["kind"].lower()] = named
        token = self._sign(
            {
                "iss": ISSUER,
                "sub": _account_name(meta),
                "aud": list(audiences) or [API_AUDIENCE],
                "iat": int(now.timestamp()),
                "nbf": int(now.timestamp()),
                "exp": int(expires),
                "jti": str(uuid4()),
                "kubernetes.io": about,
            }
        )
        return token, now.fromtimestamp(int(expires), now.tzinfo)

    def for_secret(self, account: Manifest, secret: Manifest) -> str:
        """A token without end, good while the account and this Secret exist."""
        meta, where = account["metadata"], "kubernetes.io/serviceaccount/"
        return self._sign(
            {
                "iss": LASTING_ISSUER,
                "sub": _account_name(meta),
                f"{where}namespace": meta["namespace"],
                f"{where}service-account.name": meta["name"],
                f"{where}service-account.uid": meta["uid"],
                f"{where}secret.name": secret["metadata"]["name"],
                f"{where}secret.uid": secret["metadata"]["uid"],
            }
        )

    def user(self, token: str) -> User | None:
        """Who the token belongs to, for the API server itself."""
        verified = self._valid(token)
        return verified.user if verified and API_AUDIENCE in verified.audiences else None

    def review(self, token: str, audiences: Sequence[str]) -> tuple[User, list[str]] | None:
        """The user and those of the wanted audiences that the token is for; None if it is bad."""
        verified = self._valid(token)
        if verified is None:
            return None
        common = [audience for audience in audiences if audience in verified.audiences]
        return (verified.user, common) if common else None

    def _valid(self, token: str) -> Verified | None:
        verified = self._seen.get(token) or self._verify(token)
        if verified is None:
            return None
        if verified.expires <= self._clock.now().timestamp():
            self._seen.pop(token, None)
            return None
        if verified.bound and not all(map(self._lives, verified.bound)):
            return None
        return verified

    def _lives(self, bound: Bound) -> bool:
        found = self._find(bound.key)
        return found is not None and found["metadata"]["uid"] == bound.uid

    def _sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._key.private, ALGORITHM, headers={"kid": self._key.id})

    def _verify(self, token: str) -> Verified | None:
        try:
            claims = jwt.decode(
                token,
                self._key.public,
                algorithms=[ALGORITHM],
                options={
                    "verify_aud": False,  # `review` compares audiences with those that are wanted
                    "verify_exp": False,  # and times with our clock, which tests move
                    "verify_iat": False,
                    "verify_nbf": False,
                    "require": ["iss", "sub"],
                },
            )
            verified = _read(claims)
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            return None
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[token] = verified
        return verified


def _read(claims: dict[str, Any]) -> Verified:
    audiences = claims.get("aud") or ()
    audiences = (audiences,) if isinstance(audiences, str) else tuple(audiences)
    expires = float(claims.get("exp", math.inf))
    if expires == math.inf and claims["iss"] != LASTING_ISSUER:
        raise ValueError("only tokens in Secrets live for ever")
    if claims["iss"] == PERSON_ISSUER:
        groups = (*claims.get("groups", ()), names.GROUP_AUTHENTICATED)
        return Verified(User(claims["sub"], groups), audiences, expires)
    if claims["iss"] == LASTING_ISSUER:
        return _read_lasting(claims)
    if claims["iss"] != ISSUER:
        raise ValueError("unknown issuer")
    about = claims["kubernetes.io"]
    namespace, account = about["namespace"], about["serviceaccount"]
    bound = [Bound(Key(names.SERVICE_ACCOUNT, namespace, account["name"]), account["uid"])]
    extra: dict[str, list[str]] = {}
    if "jti" in claims:
        extra["authentication.kubernetes.io/credential-id"] = [f"JTI={claims['jti']}"]
    for field, kind in (("pod", names.POD), ("secret", names.SECRET)):
        if found := about.get(field):
            bound.append(Bound(Key(kind, namespace, found["name"]), found["uid"]))
    for field in ("node", "pod"):
        if found := about.get(field):
            extra[f"authentication.kubernetes.io/{field}-name"] = [found["name"]]
            extra[f"authentication.kubernetes.io/{field}-uid"] = [found["uid"]]
    user = User(claims["sub"], _groups(namespace), account["uid"], extra)
    return Verified(user, audiences, expires, tuple(bound))


def _read_lasting(claims: dict[str, Any]) -> Verified:
    """A token out of a Secret: for the API server only, and without end."""
    about = {name.rpartition("/")[2]: value for name, value in claims.items()}
    namespace = about["namespace"]
    account = Key(names.SERVICE_ACCOUNT, namespace, about["service-account.name"])
    secret = Key(names.SECRET, namespace, about["secret.name"])
    uid = about["service-account.uid"]
    user = User(claims["sub"], _groups(namespace), uid)
    bound = (Bound(account, uid), Bound(secret, about["secret.uid"]))
    return Verified(user, (API_AUDIENCE,), math.inf, bound)


def _account_name(meta: Manifest) -> str:
    return f"system:serviceaccount:{meta['namespace']}:{meta['name']}"


def _groups(namespace: str) -> tuple[str, ...]:
    """Those of a service account."""
    accounts = names.GROUP_SERVICE_ACCOUNTS
    return (accounts, f"{accounts}:{namespace}", names.GROUP_AUTHENTICATED)
