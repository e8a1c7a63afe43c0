"""The termination message of a container: its file, or the end of its log."""

from __future__ import annotations

from msgspec.structs import replace

from sampan.nodes.cell import Cell
from sampan.nodes.compose import Directories
from sampan.nodes.logs import last_words

_MESSAGE_BYTES = 4096


def read_message(cell: Cell, place: Directories) -> None:
    """Add the message to the newest attempt, if that has ended and has none yet."""
    last = cell.last
    if last is None or last.code is None or last.message:
        return
    try:
        with place.termination.open("rb") as file:
            text = file.read(_MESSAGE_BYTES).decode(errors="replace")
    except OSError:
        text = ""
    policy = cell.spec.get("terminationMessagePolicy")
    if not text and last.code and policy == "FallbackToLogsOnError":
        text = last_words(place.logs)
    if text:
        cell.last = replace(last, message=text)
