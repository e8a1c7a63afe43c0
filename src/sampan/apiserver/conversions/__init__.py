"""Versions that say the same object in other words: how, and back.

    events.k8s.io/v1 Event                    core v1 Event
    autoscaling/v1 HorizontalPodAutoscaler    autoscaling/v2

The right side is what is stored. Pure functions; they take the shape that the schema demands for
granted, and never change what they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from sampan.apiserver.conversions import autoscaling, events
from sampan.kube import names
from sampan.kube.errors import Problem
from sampan.kube.keys import Manifest


class Conversion(Struct, frozen=True, kw_only=True):
    """stored: (kind, apiVersion) of what is stored.
    fields: names of field selectors in this version -> in the stored one.
    problems: what this version demands of a new object beyond the stored one's rules.
    """

    stored: tuple[str, str]
    to_stored: Callable[[Manifest], Manifest]
    from_stored: Callable[[Manifest], Manifest]
    fields: Mapping[str, str] = {}
    problems: Callable[[Manifest], list[Problem]] = lambda _: []


CONVERSIONS: Mapping[tuple[str, str], Conversion] = {
    ("events.k8s.io/v1", "Event"): Conversion(
        stored=(names.EVENT, "v1"),
        to_stored=events.to_core,
        from_stored=events.from_core,
        fields=events.FIELDS,
        problems=events.problems,
    ),
    ("autoscaling/v1", "HorizontalPodAutoscaler"): Conversion(
        stored=(names.HORIZONTAL_POD_AUTOSCALER, "autoscaling/v2"),
        to_stored=autoscaling.to_v2,
        from_stored=autoscaling.from_v2,
    ),
}
