"""Guard: proves that `decide` left its snapshot alone. On in tests and with debugging.

A snapshot holds manifests that all readers share, so a decision that changes one would corrupt the
cluster for everybody. Anything that msgspec can encode is hashed; other values by their repr.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from sampan.kube.errors import SampanError

_encoder = msgspec.msgpack.Encoder(enc_hook=repr)


class SnapshotChanged(SampanError):
    """A controller's `decide` changed what it was given."""


def fingerprint(snapshot: Any) -> bytes:
    try:
        encoded = _encoder.encode(snapshot)
    except (TypeError, ValueError, msgspec.MsgspecError):
        encoded = repr(snapshot).encode()
    return blake2b(encoded, digest_size=16).digest()
