"""What a story is told from, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

from sampan.kube import meta
from sampan.kube.keys import Manifest

Sign = Literal["ok", "waiting", "bad", "note", "advice"]


class Line(Struct, frozen=True):
    """One sentence. `depth` says how far it is from the object that was asked about."""

    sign: Sign
    text: str
    depth: int = 0


class Known:
    """The objects of a namespace, and those of the cluster that matter, as they were read."""

    def __init__(self, objects: Iterable[Manifest], events: Iterable[Manifest] = ()) -> None:
        self._objects = list(objects)
        self._events = list(events)

    def find(self, kind: str, name: str) -> Manifest | None:
        found = (o for o in self._objects if o["kind"] == kind and o["metadata"]["name"] == name)
        return next(found, None)

    def of_kind(self, kind: str) -> list[Manifest]:
        return [each for each in self._objects if each["kind"] == kind]

    def owned(self, owner: Manifest) -> list[Manifest]:
        """What the object has made, the newest first."""
        uid = owner["metadata"].get("uid")
        found = [each for each in self._objects if uid and uid in meta.owner_uids(each)]
        return sorted(found, key=lambda o: o["metadata"].get("creationTimestamp") or "",
                      reverse=True)  # fmt: skip

    def warnings(self, about: Manifest) -> list[Manifest]:
        """Warnings about the object, the newest first, each message once."""
        uid, seen, found = about["metadata"].get("uid"), set(), []
        for event in sorted(self._events, key=moment, reverse=True):
            words = (event.get("reason"), event.get("message"))
            involved = event.get("involvedObject") or {}
            if event.get("type") == "Warning" and involved.get("uid") == uid and words not in seen:
                seen.add(words)
                found.append(event)
        return found

    def warning(self, about: Manifest, *reasons: str) -> str:
        """The newest message with one of these reasons; "" when there is none."""
        found = (e for e in self.warnings(about) if e.get("reason") in reasons)
        return str(next(found, {}).get("message") or "").strip()


def moment(event: Manifest) -> str:
    """When an event was last seen, for sorting and showing."""
    series = (event.get("series") or {}).get("lastObservedTime")
    created = event["metadata"].get("creationTimestamp")
    times = (series, event.get("lastTimestamp"), event.get("eventTime"), created)
    return next((str(each) for each in times if each), "")


def condition(about: Manifest, kind: str) -> dict[str, Any]:
    """The condition of this type; {} when there is none."""
    found: Sequence[dict[str, Any]] = status(about).get("conditions") or ()
    return next((each for each in found if each.get("type") == kind), {})


def status(about: Manifest) -> dict[str, Any]:
    return about.get("status") or {}


def word(about: Manifest) -> str:
    """`Pod default/web`."""
    namespace = about["metadata"].get("namespace")
    name = about["metadata"]["name"]
    return f"{about['kind']} {namespace}/{name}" if namespace else f"{about['kind']} {name}"


def sentence(text: str) -> str:
    """One line, with an end."""
    text = " ".join(text.split())
    return text if not text or text.endswith((".", "!", "?", ":")) else f"{text}."
