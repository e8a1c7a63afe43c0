"""The metrics that a template asks for. Upstream: argo-workflows workflow/metrics/util.go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.validate.named import Wrong

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def check(template: Mapping[str, Any], name: str) -> None:
    """Raises Wrong."""
    for metric in (template.get("metrics") or {}).get("prometheus") or ():
        called = metric.get("name") or ""
        if _NAME.fullmatch(called) is None:
            raise Wrong(
                f"templates.{name} metric name '{called}' is invalid. Metric names must contain"
                " alphanumeric characters or '_'"
            )
        for label in metric.get("labels") or ():
            if _NAME.fullmatch(label.get("key") or "") is None:
                raise Wrong(
                    f"metric label '{label.get('key')}' is invalid: keys may only contain"
                    " alphanumeric characters or '_'"
                )
        if not metric.get("help"):
            why = "must contain a help string under 'help: ' field"
            raise Wrong(f"templates.{name} metric '{called}' {why}")
        if fault := _value_fault(metric):
            raise Wrong(f"templates.{name} metric '{called}' error: {fault}")


def _value_fault(metric: Mapping[str, Any]) -> str:
    for kind in ("gauge", "counter", "histogram"):
        if metric.get(kind) is not None and not metric[kind].get("value"):
            return f"missing {kind}.value"
    gauge = metric.get("gauge") or {}
    if gauge.get("realtime") and "resourcesDuration." in gauge["value"]:
        return "'resourcesDuration.*' metrics cannot be used in real-time"
    return ""
