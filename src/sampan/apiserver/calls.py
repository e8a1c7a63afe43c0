"""Call: who asks, and how the request wants to be treated. The same for HTTP and in process."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sampan.kube import names
from sampan.kube.access import SYSTEM, User

Validation = Literal["Ignore", "Warn", "Strict"]


class Call(Struct, kw_only=True):
    """One request. `warnings` gathers what the answer's Warning headers will say.

    manager: the field manager; never empty, except in an apply that names none.
    validation: what happens to unknown and duplicate fields.
    """

    user: User = SYSTEM
    manager: str = names.MANAGER
    dry_run: bool = False
    validation: Validation = "Warn"
    force: bool = False
    warnings: list[str] = []

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)
