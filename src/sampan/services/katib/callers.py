"""Who calls: a pod of a namespace, the owner of this machine's Sampan, or nobody who is known.

It is found out by where a connection comes from, or by a word that was given to that pod or that
owner alone; nothing in a request says it. Words hold as long as this process does.
"""

from __future__ import annotations

import base64
import hmac
import secrets

from msgspec import Struct

OWNER = "owner"


class Caller(Struct, frozen=True, kw_only=True):
    """`namespace` of a pod, or `everywhere`; neither for nobody."""

    namespace: str = ""
    everywhere: bool = False


NOBODY = Caller()


class Words:
    """Words for proxies' URLs, made of a secret and of whom they are for."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self.relay = secrets.token_hex(16)
        """For the network of pods, which says from which address a connection is."""

    def of_namespace(self, namespace: str) -> tuple[str, str]:
        """User and password."""
        return namespace, self._word(f"pod {namespace}")

    def of_owner(self) -> tuple[str, str]:
        return OWNER, self._word(OWNER)

    def caller(self, authorization: str) -> Caller:
        """Whose this header `Proxy-Authorization` is."""
        try:
            said = base64.b64decode(authorization.partition(" ")[2]).decode()
        except ValueError:
            return NOBODY
        user, _, word = said.partition(":")
        if user and hmac.compare_digest(word.encode(), self.of_namespace(user)[1].encode()):
            return Caller(namespace=user)
        if user == OWNER and hmac.compare_digest(word.encode(), self.of_owner()[1].encode()):
            return Caller(everywhere=True)
        return NOBODY

    def _word(self, whom: str) -> str:
        return hmac.new(self._secret, whom.encode(), "sha256").hexdigest()[:32]
