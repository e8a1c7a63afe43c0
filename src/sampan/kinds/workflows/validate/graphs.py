"""Who waits for whom: circles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def circle(waits_for: Mapping[str, Sequence[str]]) -> list[str]:
    """A way from a name back to itself; [] when there is none. Depth first, without recursion."""
    clear: set[str] = set()
    for root in waits_for:
        way, rest, on_way = [root], [iter(waits_for[root])], {root}
        while way:
            following = next((each for each in rest[-1] if each not in clear), None)
            if following is None:
                done = way.pop()
                on_way.discard(done)
                clear.add(done)
                rest.pop()
            elif following in on_way:
                return [*way[way.index(following) :], following]
            else:
                way.append(following)
                on_way.add(following)
                rest.append(iter(waits_for.get(following, ())))
    return []


def before(waits_for: Mapping[str, Sequence[str]], name: str, wanted: str) -> bool:
    """Whether one waits for the other, directly or not. The nearest are asked first."""
    seen, queue = {name}, [name]
    for each in queue:
        for one in waits_for.get(each, ()):
            if one == wanted:
                return True
            if one not in seen:
                seen.add(one)
                queue.append(one)
    return False
