"""The templates that a workflow can call: by name, by reference, or written in place.

`find` answers with the template as it is to be run, its defaults merged in, and with its home: the
place where the templates that it names in turn are looked up (`local/…`, `namespaced/…`,
`cluster/…`, as `templateScope` of a node). Upstream: argo-workflows
workflow/templateresolution/context.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows.types import Run, Template


class Unknown(Exception):
    """There is no such template; the text says where it was looked for."""


class Found(Struct, frozen=True, kw_only=True):
    template: Template
    home: str = ""


class Book:
    """All templates that one look at a workflow may need."""

    def __init__(self, run: Run) -> None:
        self._local: dict[str, Template] = {t.get("name", ""): t for t in run.spec.templates}

    def find(self, who: Mapping[str, Any], home: str) -> Found:
        """The template that a step, a task or a hook names. Raises Unknown."""
        name = who.get("template") or ""
        template = self._local.get(name)
        if template is None:
            raise Unknown(f"template '{name}' not found")
        return Found(template=template, home=home)
