"""Names of what a run makes: functions of the run and a task's path, so that a repeated plan makes
nothing twice."""

from __future__ import annotations

import base64
import hashlib
import re

LONGEST = 63
"""Of a host's name and of a label's value; pods have names that fit both."""
_HASH = 10
_RUN, _SLUG = 30, 20
_OTHER = re.compile(r"[^a-z0-9]+")


def pod(run: str, path: str, attempt: int) -> str:
    """`<run>-<task>-<hash>`, of at most 63 characters; the task is the last part of the path that
    has a name."""
    task = next((part for part in reversed(path.split("/")) if not part.startswith("[")), "")
    known = hashed(f"{run}\0{path}\0{attempt}")
    parts = (run[:_RUN].rstrip("-."), slug(task)[:_SLUG].strip("-"), known)
    return "-".join(filter(None, parts))


def label(run: str) -> str:
    """The value of the label that names the run."""
    return run if len(run) <= LONGEST else f"{run[: LONGEST - 1 - _HASH]}-{hashed(run)}"


def slug(text: str) -> str:
    """Lower-case letters, digits and single dashes between them; "" when none is left."""
    return _OTHER.sub("-", text.lower()).strip("-")


def hashed(text: str) -> str:
    """Ten letters and digits; that two of 10,000 texts have the same is a chance in 20 million."""
    digest = hashlib.blake2b(text.encode(), digest_size=7).digest()
    return base64.b32hexencode(digest).decode().lower()[:_HASH]


def unique(*parts: str) -> str:
    """In the form of a UUID; the same for the same parts."""
    digits = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
    return "-".join(
        (digits[:8], digits[8:12], f"8{digits[13:16]}", f"8{digits[17:20]}", digits[20:])
    )
