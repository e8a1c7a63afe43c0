"""An answer of HTTP/1.1, read from a link to a port of a pod.

It ends with the connection, or where its head says. What the pod sends is not believed: there is a
limit, and nonsense is a ValueError. Not a client: requests are few and written where they are made.
"""

from __future__ import annotations

from sampan.kube.streams import Link


async def read(link: Link, most: int) -> tuple[int, bytes]:
    """Status and body, of so many bytes at most. Raises ValueError, EOFError and OSError."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += await _more(link, len(data), most)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = _status(lines[0])
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:])
    }
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return status, await _chunks(link, body, most)
    if "content-length" in headers:
        length = _size(headers["content-length"], 10)
        while len(body) < length:
            body += await _more(link, len(body), most)
        return status, body[:length]
    while piece := await link.read():
        body += piece
        _check(len(body), most)
    return status, body


def _status(line: str) -> int:
    words = line.split()
    if len(words) < 2 or not words[0].startswith("HTTP/"):
        raise ValueError("malformed HTTP response")
    return _size(words[1], 10)


async def _chunks(link: Link, data: bytes, most: int) -> bytes:
    body = b""
    while True:
        while b"\r\n" not in data:
            data += await _more(link, len(body) + len(data), most)
        line, _, data = data.partition(b"\r\n")
        size = _size(line.partition(b";")[0].decode("latin-1"), 16)
        if size == 0:
            return body
        while len(data) < size + 2:
            data += await _more(link, len(body) + len(data), most)
        body, data = body + data[:size], data[size + 2 :]


async def _more(link: Link, have: int, most: int) -> bytes:
    piece = await link.read()
    if not piece:
        raise EOFError("the answer ends too early")
    _check(have, most)
    return piece


def _check(have: int, most: int) -> None:
    if have > most:
        raise ValueError(f"the answer is longer than {most} bytes")


def _size(text: str, base: int) -> int:
    size = int(text, base)
    if size < 0:
        raise ValueError("malformed HTTP response")
    return size
