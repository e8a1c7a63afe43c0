"""Times as Kubernetes writes them: RFC 3339 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """`2026-11-23T01:02:03Z`: metav1.Time, whole seconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def from_seconds(seconds: float) -> str:
    """The same of seconds since 1970."""
    return rfc3339(datetime.fromtimestamp(seconds, UTC))


def micro(moment: datetime) -> str:
    """`2026-11-23T01:02:03.000004Z`: metav1.MicroTime."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def parse(text: str) -> datetime:
    """Any RFC 3339 time with a zone. ValueError when it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)
