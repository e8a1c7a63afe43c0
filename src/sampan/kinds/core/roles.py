"""ClusterRole: one that is aggregated has the rules of all those that its selectors choose.

So `view`, `edit` and `admin` come to know custom resources: whoever defines some adds a ClusterRole
with a label. Upstream: kubernetes pkg/controller/clusterroleaggregation.
"""

from __future__ import annotations

from typing import Any

from sampan.kinds.core.types import Aggregated
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import NOTHING, Controller, Patch, Plan, View


def see(view: View, key: Key) -> Aggregated | None:
    role = view.get(key)
    if role is None or not role.get("aggregationRule"):
        return None
    chosen = {
        meta.name_of(each): each
        for selector in role["aggregationRule"].get("clusterRoleSelectors") or ()
        for each in view.select(names.CLUSTER_ROLE, labels=selector)
        if meta.name_of(each) != key.name
    }
    return Aggregated(role, tuple(chosen[name] for name in sorted(chosen)))


def decide(aggregated: Aggregated) -> Plan:
    rules: list[dict[str, Any]] = []
    for part in aggregated.parts:
        rules += [rule for rule in part.get("rules") or () if rule not in rules]
    if rules == (aggregated.role.get("rules") or []):
        return NOTHING
    return Plan(actions=(Patch(key_of(aggregated.role), {"rules": rules}),))


def _is_aggregated(role: Manifest) -> bool:
    return bool(role.get("aggregationRule"))


AGGREGATION = Controller(
    name="role-aggregation",
    of=names.CLUSTER_ROLE,
    see=see,
    decide=decide,
    concerns=_is_aggregated,
)
