"""Sets of completion indexes as a Job's status and its policies write them: `0,2-4`.

`read` trusts nobody and leaves out what it cannot read, for a status is anybody's to write; `parse`
names the fault, for admission. Upstream: kubernetes pkg/controller/job/indexed_job_utils.go.
"""

from __future__ import annotations

from collections.abc import Collection


def read(text: str, *, below: int) -> set[int]:
    """`"0,2-4"` -> {0, 2, 3, 4}; only those under `below`."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if len(part) < 20 and first.isdecimal() and (last.isdecimal() or not dash):
            found.update(range(int(first), min(int(last if dash else first) + 1, below)))
    return found


def parse(text: str, *, below: int) -> list[range]:
    """The intervals in order. ValueError says what is wrong."""
    found: list[range] = []
    for part in text.split(",") if text else ():
        first, dash, last = part.partition("-")
        for number in (first, last) if dash else (first,):
            if not (number.isascii() and number.isdecimal()) or len(number) > 9:
                raise ValueError(f"cannot convert string to integer for index: {number!r}")
        start, end = int(first), int(last if dash else first)
        if end < start:
            raise ValueError(f"non-increasing order, previous: {start}, current: {end}")
        if end >= below:
            raise ValueError(f"too large index: {end}")
        if found and start < found[-1].stop:
            previous = found[-1].stop - 1
            raise ValueError(f"non-increasing order, previous: {previous}, current: {start}")
        found.append(range(start, end + 1))
    return found


def write(indexes: Collection[int]) -> str:
    """{0, 2, 3, 4} -> `"0,2-4"`: as upstream, three or more in a row are a range."""
    parts: list[str] = []
    run: list[int] = []
    for index in [*sorted(indexes), None]:
        if run and index is not None and index == run[-1] + 1:
            run.append(index)
            continue
        if len(run) > 2:
            parts.append(f"{run[0]}-{run[-1]}")
        else:
            parts += map(str, run)
        run = [] if index is None else [index]
    return ",".join(parts)
