"""LabelSelector objects: which labels they match.

`matchLabels` and `matchExpressions` are all required; an empty selector matches everything, and
None matches nothing, as upstream. Selectors written as text (`a=b,c in (d)`) are another matter
and not handled here. Upstream: k8s.io/apimachinery pkg/apis/meta/v1 LabelSelectorAsSelector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Labels = Mapping[str, str]
Selector = Mapping[str, Any]


def of(manifest: Mapping[str, Any]) -> Labels:
    """The labels of an object, {} when it has none."""
    return manifest["metadata"].get("labels") or {}


def matches(selector: Selector | None, labels: Labels) -> bool:
    """Whether the selector matches. An operator that does not exist matches nothing."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_meets(term, labels) for term in selector.get("matchExpressions") or ())


def equalities(selector: Selector) -> Mapping[str, str]:
    """Label pairs that everything matched must have: what an index can be asked for."""
    pairs = dict(selector.get("matchLabels") or {})
    for term in selector.get("matchExpressions") or ():
        values = term.get("values") or ()
        if term.get("operator") == "In" and len(values) == 1:
            pairs[term["key"]] = values[0]
    return pairs


def _meets(term: Mapping[str, Any], labels: Labels) -> bool:
    has = labels.get(term.get("key", ""))
    values = term.get("values") or ()
    match term.get("operator"):
        case "In":
            return has is not None and has in values
        case "NotIn":
            return has is None or has not in values
        case "Exists":
            return has is not None
        case "DoesNotExist":
            return has is None
    return False
