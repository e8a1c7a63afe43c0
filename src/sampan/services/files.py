"""Files: artifacts on their way to who asked for them.

What is sent was made by somebody's program, and may be a page with scripts: it is told to be in a
sandbox, wherever it is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from sampan.artifacts import Fault, NotThere, Opened
from sampan.artifacts.faults import BadName, Unreachable
from sampan.services.errors import INTERNAL, UNAVAILABLE, Refused, invalid, not_found

T = TypeVar("T")

SANDBOX = (
    ("content-security-policy", "sandbox; base-uri 'none'; default-src 'none';"
     " img-src 'self' data:; style-src 'self' 'unsafe-inline'"),
    ("x-frame-options", "SAMEORIGIN"),
)  # fmt: skip
"""Headers."""
_PIECE = 256 << 10  # bytes


async def pieces(opened: Opened, most: int | None = None) -> AsyncGenerator[bytes, None]:
    """The whole file, or as many bytes of it. Closes it."""
    left = most
    with opened.file as file:
        while left is None or left > 0:
            size = _PIECE if left is None else min(left, _PIECE)
            if not (piece := await asyncio.to_thread(file.read, size)):
                return
            yield piece
            left = None if left is None else left - len(piece)


async def tried(work: Callable[[], T]) -> T:
    """Do it in a thread. Raises Refused."""
    try:
        return await asyncio.to_thread(work)
    except NotThere as error:
        raise not_found(str(error)) from None
    except BadName as error:
        raise invalid(str(error)) from None
    except Unreachable as error:
        raise Refused(UNAVAILABLE, str(error)) from None
    except (Fault, KeyError) as error:
        raise Refused(INTERNAL, str(error)) from None
