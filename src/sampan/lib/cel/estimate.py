"""How dear an expression can get at most: steps, with every list as long as it may be.

Only loops over lists and maps whose size is known (`Type.most`) count; what is not known counts
once. So the estimate is low rather than high, and only says what surely is too much.
Upstream: github.com/google/cel-go checker/cost.go.
"""

from __future__ import annotations

from sampan.lib.cel.nodes import Loop, Node


def worst(node: object) -> int:
    """Steps of the dearest run."""
    if isinstance(node, Loop):
        turns = 1 if node.most is None else node.most
        return 1 + worst(node.over) + turns * (1 + worst(node.body) + worst(node.filter))
    if isinstance(node, Node):
        slots = (slot for cls in type(node).__mro__ for slot in getattr(cls, "__slots__", ()))
        return 1 + sum(worst(getattr(node, slot)) for slot in slots)
    return sum(map(worst, node)) if isinstance(node, list | tuple) else 0
