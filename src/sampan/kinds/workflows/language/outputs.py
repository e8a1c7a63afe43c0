"""Outputs of steps and dag templates: what the nodes in them give on."""

from __future__ import annotations

from typing import Any

from sampan.kinds.workflows.language.scopes import Scope
from sampan.kinds.workflows.types import Template


def of_template(template: Template, scope: Scope) -> dict[str, Any] | None:
    """`outputs` of the template's node; None when it declares none. Raises arguments.Missing."""
    return None
