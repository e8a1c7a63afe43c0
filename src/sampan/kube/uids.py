"""Ids that are functions of a name: the same name always has the same id (RFC 9562, version 5)."""

from __future__ import annotations

import hashlib

_RUNS = "c2f3a9d4-1e6b-4c8a-9f7d-0b5e3a1c2d4f"
"""The space in which upstream names the runs of schedules (backend/src/common/util/uuid.go)."""


def named(space: str, name: str) -> str:
    """The id of `name` in the space of this id."""
    whole = bytes.fromhex(space.replace("-", "")) + name.encode()
    digest = bytearray(hashlib.sha1(whole, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def of_scheduled_run(recurring_run_id: str, name: str) -> str:
    """The run_id of a run that a schedule makes: made twice, it is the same run."""
    return named(_RUNS, f"{recurring_run_id}/{name}")
