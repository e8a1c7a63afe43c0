"""`when`: the condition under which a step, a task or one turn of a loop runs.

Its tags are filled first, then it is read; words that are no values stand for themselves, so that
`a == b` compares two texts. Upstream: argo-workflows workflow/controller/steps.go shouldExecute.
"""

from __future__ import annotations

from sampan.lib import govaluate
from sampan.lib.govaluate.evaluate import Program


class Mistake(ValueError):
    """The text is no condition."""


def holds(condition: str) -> bool:
    """Whether a condition without tags holds; an empty one does. Raises Mistake."""
    if not condition:
        return True
    try:
        program = Program(condition)
        program.take_words_as_texts()
        value = program.run({})
    except govaluate.Mistake as fault:
        hint = ""
        if "Invalid token" in str(fault):
            hint = ' (hint: try wrapping the affected expression in quotes ("))'
        raise Mistake(f"Invalid 'when' expression '{condition}': {fault}{hint}") from fault
    if not isinstance(value, bool):
        raise Mistake(f"Expected boolean evaluation for '{condition}'. Got {value}")
    return value
