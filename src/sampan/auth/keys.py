"""The key that signs tokens: one EC P-256 key per home, made at first start, mode 0600.

Tokens are signed with ES256: a signature costs 40 µs where RS256 costs a millisecond, and every
client treats a service account token as opaque. This file knows no token and no user.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from pathlib import Path

ALGORITHM = "ES256"


class SigningKey:
    """A private key with the id under which its public half is published (RFC 7638 thumbprint)."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self.private = private
        self.public = private.public_key()
        self.id = _thumbprint(self.jwk())

    @classmethod
    def load_or_make(cls, path: Path) -> SigningKey:
        """Read the key at `path`, or make one and keep it there, readable by the owner alone."""
        if path.exists():
            private = serialization.load_pem_private_key(path.read_bytes(), None)
            if not isinstance(private, ec.EllipticCurvePrivateKey):
                raise ValueError(f"{path} does not hold an EC private key")
            return cls(private)
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        return cls(private)

    def jwk(self) -> dict[str, Any]:
        """The public key as a JSON Web Key."""
        numbers = self.public.public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": _base64url(numbers.x.to_bytes(32, "big")),
            "y": _base64url(numbers.y.to_bytes(32, "big")),
        }

    def published(self) -> dict[str, Any]:
        """The document at /openid/v1/jwks."""
        return {"keys": [self.jwk() | {"use": "sig", "kid": self.id, "alg": ALGORITHM}]}


def _thumbprint(jwk: dict[str, Any]) -> str:
    text = '{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}'.format(**jwk)
    return _base64url(hashlib.sha256(text.encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
