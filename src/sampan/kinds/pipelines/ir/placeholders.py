"""`{{$.inputs…}}`, `{{$.outputs…}}`, `{{$}}`, IfPresent and Concat in what a container is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kinds.pipelines.ir.resolve import RunFacts, Values


class Placeholders:
    """Those of one task. given: its inputs as resolved, without defaults (for IfPresent)."""

    def __init__(
        self, executor_input: Mapping[str, Any], given: Values, run: RunFacts, task: str
    ) -> None:
        raise NotImplementedError

    def text(self, template: str) -> str:
        """An image, a value of env, a quantity. Raises Unresolved."""
        raise NotImplementedError

    def words(self, templates: Sequence[str]) -> list[str]:
        """A command or args: an IfPresent may make none or several of one. Raises Unresolved."""
        raise NotImplementedError
