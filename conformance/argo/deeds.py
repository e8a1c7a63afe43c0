"""What has to be done besides applying the file: by path, (before, after).

`before` changes the manifest as the test's command line would (`-p message=…`); `after` does what
the test does with the running workflow, and judges it: (as expected, what was seen).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Before = Callable[[dict[str, Any]], None]
After = Callable[[Any, str, float], tuple[bool, str]]


def _message(manifest: dict[str, Any]) -> None:
    given = {"name": "message", "value": "hello"}
    manifest["spec"].setdefault("arguments", {})["parameters"] = [given]


DEEDS: Mapping[str, tuple[Before | None, After | None]] = {
    "test/e2e/testdata/parameters-workflow.yaml": (_message, None),
}
