"""The vocabulary of a controller, as plain data: what it looks at, what it answers.

A controller is two pure functions, `see(view, key) -> snapshot` and `decide(snapshot) -> Plan`.
The engine (`sampan.engine`) notes what `see` read, calls again when any of it changes, and carries
the plan out. A repeated plan must be harmless: names of children are functions of owner and index,
time comes from the view. Nothing here talks to anything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from msgspec import Struct

from sampan.kube.keys import Key, Manifest

G = TypeVar("G")
T = TypeVar("T")


class View(Protocol):
    """A read-only look at the cluster. What is read through it is noted by the engine."""

    def get(self, key: Key) -> Manifest | None:
        """The object, or None. The answer is shared: never change it."""
        ...

    def standing(self, key: Key) -> Manifest | None:
        """As `get`, for who asks only whether the object is there, which one it is (its uid) and
        whether it is being deleted: nothing else that changes in it is a reason to look again."""
        ...

    def owned(self, owner: Manifest, kind: str) -> Sequence[Manifest]:
        """Objects of `kind` in the owner's namespace (or of the cluster) whose ownerReferences
        name the owner's uid, ordered by name."""
        ...

    def owned_as(
        self, owner: Manifest, kind: str, read: Callable[[Manifest, G], T], given: G
    ) -> Sequence[T]:
        """The same in no order, as a pure function reads them. It is called once for each version
        of an object, as long as every look asks for the same: there may be thousands."""
        ...

    def select(
        self, kind: str, namespace: str = "", labels: Mapping[str, Any] | None = None
    ) -> Sequence[Manifest]:
        """Objects of `kind` in the namespace ("" is all), ordered by namespace and name.
        `labels` is a LabelSelector (matchLabels, matchExpressions); None selects all."""
        ...

    def dependents(self, uid: str) -> Sequence[Manifest]:
        """Objects of any kind whose ownerReferences name `uid`. Embedded cluster only: a real
        cluster collects its own garbage."""
        ...

    def contents(self, namespace: str) -> Sequence[Manifest]:
        """Objects of every kind in the namespace. Embedded cluster only."""
        ...

    def has_kind(self, kind: str) -> bool:
        """Whether the cluster serves this kind; objects of another kind read as absent."""
        ...

    def consult(self, source: str, question: Hashable) -> Any | None:
        """What a source beyond the cluster says, such as records of earlier runs. None while that
        is not known: the engine asks, and looks again. A source that fails is `Unanswered`. The
        answer holds while each look asks the same."""
        ...

    def now(self) -> datetime:
        """The present in UTC. Not noted: ask to be called again with `Plan.again_in`."""
        ...


class Unanswered(Struct, frozen=True):
    """A source has no answer, and why."""

    message: str


class Apply(Struct, frozen=True):
    """Server-side apply with force: what the manifest says holds, and the object exists."""

    manifest: Manifest


class Create(Struct, frozen=True):
    """The object exists: it is made unless there is one of its name, which stays as it is. A third
    of what Apply costs, and Creates in a row are written together. The name must say what the
    object is to be, and later looks must bear somebody else's."""

    manifest: Manifest


class Patch(Struct, frozen=True):
    """A JSON merge patch of an object that somebody else made (its finalizers, its labels), or a
    JSON patch, if it is a list.
    Ignored when the object is gone. Put `metadata.resourceVersion` or `uid` in it to be exact."""

    key: Key
    patch: Manifest | list[Manifest]
    subresource: str = ""


class Delete(Struct, frozen=True):
    """Delete the object if it is there and, when `uid` is given, still the same one."""

    key: Key
    uid: str = ""
    propagation: str = "Background"


class Emit(Struct, frozen=True):
    """An Event about the object of this key (or about another one). With annotations it is one of
    many about a part of the object, and such have a limit of their own."""

    type: str
    reason: str
    message: str
    about: Manifest | None = None
    annotations: Mapping[str, str] = {}


class Measure(Struct, frozen=True, kw_only=True):
    """A number for /metrics. The engine keeps it in memory, and loses it when it stops.

    labels: by name. operation: what the value does to a gauge; counters add, histograms observe.
    since: a gauge that shows the seconds since this moment, until it is set or the object is gone.
    bounds: of a histogram; the first one given holds. once: what is measured, if it may count only
    once: said again, it is passed over as long as the object of the key exists.
    """

    name: str
    help: str
    kind: Literal["counter", "gauge", "histogram"]
    value: float = 0.0
    labels: Mapping[str, str] = {}
    operation: Literal["Set", "Add", "Sub"] = "Set"
    since: datetime | None = None
    bounds: tuple[float, ...] = ()
    once: str = ""


Action = Apply | Create | Patch | Delete | Emit | Measure


class Plan(Struct, frozen=True, kw_only=True):
    """What a decision asks for.

    status: the whole new `.status` of the key's object; None leaves it as it is.
    actions: carried out in order, before the status is written.
    again_in: seconds after which to ask again even if nothing changed.
    rest: seconds in which not to ask again, whatever changes: for an object whose every write is
    dear, so that many small changes become one.
    refusal: a type of condition. When the cluster refuses an action, the status is written with
    this condition, reason FailedCreate and the cluster's words, before the round is backed off.
    Without `status`, for a kind that has no such subresource, it is patched into the object.
    instead: of an action that the cluster refuses for good (it is invalid or forbidden, and no
    quota may make room for it): what is done instead, given the action and the cluster's words.
    """

    status: Manifest | None = None
    actions: tuple[Action, ...] = ()
    again_in: float | None = None
    rest: float = 0.0
    refusal: str = ""
    instead: Callable[[Action, str], Sequence[Action]] | None = None


NOTHING = Plan()


class Controller(Struct, frozen=True, kw_only=True):
    """A named pair of pure functions for one kind ("*" is every kind; embedded cluster only).

    `see` may return None: there is nothing to decide (the object is gone or not of interest).
    `concerns` is a cheap test on the object, so that a "*" controller is not asked for each write.
    `recover` says what to do, once, when `see` or `decide` raised something that they should not
    have (which is logged), given its text: None leaves it at being backed off.
    """

    name: str
    of: str
    see: Callable[[View, Key], Any]
    decide: Callable[[Any], Plan]
    concerns: Callable[[Manifest], bool] | None = None
    recover: Callable[[View, Key, str], Plan | None] | None = None
