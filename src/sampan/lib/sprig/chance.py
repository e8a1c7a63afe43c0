"""Functions that draw by chance: from a seed that the caller gives, so that runs are the same."""

from __future__ import annotations

import base64
import random
import string
import uuid
from collections.abc import Callable
from typing import Any

from sampan.lib.sprig.faults import Mistake

MOST = 100_000
"""Characters drawn at most."""


class _Source:
    def __init__(self, seed: str | None) -> None:
        self._seed = seed
        self._source = random.Random(seed)

    def _drawing(self, count: int = 0) -> random.Random:
        if self._seed is None:
            raise Mistake("there is no chance here")
        if not 0 <= count <= MOST:
            raise Mistake(f"between 0 and {MOST} characters can be drawn")
        return self._source

    def letters(self, alphabet: str) -> Callable[[int], str]:
        return lambda count: "".join(self._drawing(count).choices(alphabet, k=count))

    def between(self, least: int, most: int) -> int:
        if most <= least:
            raise Mistake("invalid argument to Intn")
        return self._drawing().randrange(least, most)

    def raw(self, count: int) -> str:
        return base64.b64encode(self._drawing(count).randbytes(count)).decode()

    def shuffled(self, text: str) -> str:
        return "".join(self._drawing(len(text)).sample(text, len(text)))

    def identifier(self) -> str:
        return str(uuid.UUID(bytes=self._drawing().randbytes(16), version=4))


def functions(seed: str | None = None) -> dict[str, tuple[str, Callable[..., Any]]]:
    """The functions; without a seed each is a Mistake."""
    source = _Source(seed)
    return {
        "randAlphaNum": ("i", source.letters(string.ascii_letters + string.digits)),
        "randAlpha": ("i", source.letters(string.ascii_letters)),
        "randNumeric": ("i", source.letters(string.digits)),
        "randAscii": ("i", source.letters("".join(map(chr, range(32, 127))))),
        "randInt": ("ii", source.between),
        "randBytes": ("i", source.raw),
        "shuffle": ("s", source.shuffled),
        "uuidv4": ("", source.identifier),
    }
