"""The process that pulls: a wish on standard input, lines of JSON on standard output.

    {"done": bytes, "of": bytes}    now and then
    {"digest": …}                   the image is in the store
    {"failed": message, "kind": …}  it is not; kind is the class of the error

Started with the store's directory as its argument. Its memory is bounded, because archives are
hostile; it ends when the one who asked goes away.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from sampan.nodes.images.oci.errors import PullError
from sampan.nodes.images.oci.pull import pull
from sampan.nodes.images.oci.store import Store
from sampan.nodes.images.oci.wish import Wish

_MEMORY = 4 << 30  # of address space: threads take a lot and use little of it
_EVERY = 0.2  # seconds between two words about progress


def main(directory: str) -> int:
    """Carry out one wish; 0 when the image is there."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    wish = msgspec.json.decode(sys.stdin.buffer.read(), type=Wish)
    told = 0.0

    def tell(done: int, of: int) -> None:
        nonlocal told
        if time.monotonic() - told > _EVERY:
            told = time.monotonic()
            _say({"done": done, "of": of})

    try:
        record = pull(Store(Path(directory)), wish, tell)
    except PullError as error:
        _say({"failed": str(error), "kind": type(error).__name__})
        return 1
    except (OSError, MemoryError) as error:
        _say({"failed": str(error) or type(error).__name__, "kind": "PullError"})
        return 1
    _say({"digest": record.digest})
    return 0


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
