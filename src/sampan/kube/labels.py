"""Labels of objects, and whether a LabelSelector object means them.

Two short ways to what `sampan.kube.selectors` does in full. Upstream: k8s.io/apimachinery
pkg/apis/meta/v1 LabelSelectorAsSelector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube import selectors
from sampan.kube.errors import BadRequest

Labels = Mapping[str, str]
Selector = Mapping[str, Any]


def of(manifest: Mapping[str, Any]) -> Labels:
    """The labels of an object, {} when it has none."""
    return manifest["metadata"].get("labels") or {}


def matches(selector: Selector | None, labels: Labels) -> bool:
    """Whether the selector matches: an empty one everything; None, and one that cannot be
    understood, nothing."""
    if selector is None:
        return False
    try:
        return selectors.from_selector(selector).matches(labels)
    except BadRequest:
        return False
