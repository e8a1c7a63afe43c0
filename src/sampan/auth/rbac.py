"""RBAC: answers `may this user do that?` from the Roles and bindings in the cluster.

Bindings are indexed by subject. A decision is remembered until any RBAC object changes, so a busy
client costs a dictionary look-up per request; this class is the one place that remembers, callers
must not. There is no deny rule.
Upstream: k8s.io/kubernetes plugin/pkg/auth/authorizer/rbac.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sampan.kube import names
from sampan.kube.access import Attributes, User, rule_allows
from sampan.kube.keys import Key, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

KINDS = (names.ROLE, names.ROLE_BINDING, names.CLUSTER_ROLE, names.CLUSTER_ROLE_BINDING)
REMEMBERED = 20_000  # decisions

Subject = tuple[str, str]  # ("User", name), ("Group", name)


class Rbac:
    """`listed` answers with all objects of a kind, `get` with one or None; both read memory.
    Call `forget` whenever an object of `KINDS` has changed."""

    def __init__(
        self,
        listed: Callable[[str], Sequence[Manifest]],
        get: Callable[[Key], Manifest | None],
    ) -> None:
        self._list = listed
        self._get = get
        self._bindings: dict[Subject, list[Manifest]] | None = None
        self._decided: dict[tuple[str, tuple[str, ...], Attributes], bool] = {}

    def forget(self, *_: object) -> None:
        self._bindings = None
        self._decided.clear()

    def allowed(self, user: User, asks: Attributes) -> bool:
        if names.GROUP_MASTERS in user.groups:
            return True
        question = (user.name, user.groups, asks)
        known = self._decided.get(question)
        if known is None:
            known = any(rule_allows(rule, asks) for _, rule in self._rules(user, asks.namespace))
            if len(self._decided) >= REMEMBERED:
                self._decided.clear()
            self._decided[question] = known
        return known

    def rules(self, user: User, namespace: str) -> list[Mapping[str, Any]]:
        if names.GROUP_MASTERS in user.groups:
            return [
                {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
                {"verbs": ["*"], "nonResourceURLs": ["*"]},
            ]
        return [rule for _, rule in self._rules(user, namespace)]

    def reason(self, user: User, asks: Attributes) -> str:
        for binding, rule in self._rules(user, asks.namespace):
            if rule_allows(rule, asks):
                return f"RBAC: allowed by {_described(binding, user)}"
        return ""

    def _rules(self, user: User, namespace: str) -> Iterator[tuple[Manifest, Mapping[str, Any]]]:
        """Each rule that holds, with the binding that gives it."""
        if self._bindings is None:
            self._bindings = self._index()
        for subject in (("User", user.name), *(("Group", group) for group in user.groups)):
            for binding in self._bindings.get(subject, ()):
                where = binding["metadata"].get("namespace", "")
                if where in ("", namespace):
                    yield from ((binding, rule) for rule in self._rules_of(binding, where))

    def _rules_of(self, binding: Manifest, namespace: str) -> Sequence[Mapping[str, Any]]:
        ref = binding.get("roleRef") or {}
        clusterwide = ref.get("kind") == "ClusterRole"
        kind = names.CLUSTER_ROLE if clusterwide else names.ROLE
        role = self._get(Key(kind, "" if clusterwide else namespace, ref.get("name", "")))
        return (role or {}).get("rules") or ()

    def _index(self) -> dict[Subject, list[Manifest]]:
        index: dict[Subject, list[Manifest]] = {}
        for kind in (names.CLUSTER_ROLE_BINDING, names.ROLE_BINDING):
            for binding in self._list(kind):
                for subject in binding.get("subjects") or ():
                    index.setdefault(_subject(subject, binding), []).append(binding)
        return index


def _subject(subject: Mapping[str, Any], binding: Manifest) -> Subject:
    if subject.get("kind") == "ServiceAccount":
        namespace = subject.get("namespace") or binding["metadata"].get("namespace", "")
        return ("User", f"system:serviceaccount:{namespace}:{subject.get('name', '')}")
    return (subject.get("kind", ""), subject.get("name", ""))


def _described(binding: Manifest, user: User) -> str:
    """A binding and the user's place in it, in the words of a real server."""
    meta, ref = binding["metadata"], binding["roleRef"]
    where = meta.get("namespace") or ""
    label = f"{meta['name']}/{where}" if where else meta["name"]
    mine = (("User", user.name), *(("Group", group) for group in user.groups))
    subject = next(each for each in binding["subjects"] if _subject(each, binding) in mine)
    name = subject["name"]
    if subject["kind"] == "ServiceAccount":
        name = f"{name}/{subject.get('namespace') or where}"
    return (
        f'{binding["kind"]} "{label}" of {ref["kind"]} "{ref["name"]}" to {subject["kind"]}'
        f' "{name}"'
    )
