"""A driver of artifacts, as an operator of Argo would bring one: `artifact_driver.py SOCKET`.

It stores where the artifact's configuration says: `directory: …`, or `endpoint: …` and `bucket: …`
of an S3 server that believes everybody. With `broken: …` it fails with that text. It has gRPC's own
library, so that our client is judged by somebody else; the few messages are taken apart by hand.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc

Fields = dict[int, Any]


def parsed(data: bytes) -> Fields:
    """Of a protocol buffer: numbers, and bytes."""
    found, at = {}, 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            found[key >> 3] = number()
        else:
            size = number()
            found[key >> 3], at = data[at : at + size], at + size
    return found


class Place:
    """`kept` is a directory or the URL of a bucket."""

    def __init__(self, artifact: Fields) -> None:
        plugin = parsed(artifact[5])
        said = dict(re.findall(r"(\w+): *(.+)", plugin.get(2, b"").decode()))
        self.broken, self.key = said.get("broken", ""), plugin[4].decode().strip("/")
        bucket = f"http://{said.get('endpoint')}/{said.get('bucket')}"
        self.kept: str = said.get("directory") or bucket

    def listed(self) -> list[str]:
        """Of all that lies at and below the key."""
        if self.kept.startswith("/"):
            whole = [os.path.relpath(path, self.kept) for path in files(self.kept)]
        else:
            listing = ask("GET", f"{self.kept}?list-type=2&prefix={self.key}").decode()
            whole = re.findall("<Key>(.*?)</Key>", listing)
        return [key for key in whole if f"{key}/".startswith(f"{self.key}/")]

    def fetch(self, key: str, path: str) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if self.kept.startswith("/"):
            shutil.copyfile(f"{self.kept}/{key}", path)
            return
        with open(path, "wb") as file:
            file.write(ask("GET", f"{self.kept}/{key}"))

    def store(self, path: str, key: str) -> None:
        if self.kept.startswith("/"):
            os.makedirs(os.path.dirname(f"{self.kept}/{key}"), exist_ok=True)
            shutil.copyfile(path, f"{self.kept}/{key}")
            return
        with open(path, "rb") as file:
            ask("PUT", f"{self.kept}/{key}", file.read())

    def forget(self, key: str) -> None:
        if self.kept.startswith("/"):
            os.unlink(f"{self.kept}/{key}")
        else:
            ask("DELETE", f"{self.kept}/{key}")


def ask(method: str, url: str, body: bytes | None = None) -> bytes:
    headers = {  # who says nothing at all is told less, and sends a form
        "Authorization": "AWS somebody:unsigned",
        "Content-Type": "application/octet-stream",
    }
    request = urllib.request.Request(url, body, headers, method=method)
    for pause in (0.2, 1.0, 0.0):
        try:
            with urllib.request.urlopen(request) as answer:
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as error:
            if error.code < 500 or not pause:
                raise
            time.sleep(pause)
    return b""


def files(path: str) -> Iterator[str]:
    for directory, _, names in os.walk(path):
        yield from (os.path.join(directory, name) for name in names)


def load(message: Fields) -> None:
    place, target = Place(parsed(message[1])), message[2].decode()
    keys = place.listed()
    if not keys:
        raise FileNotFoundError(f"there is no {place.key}")
    for key in keys:
        place.fetch(key, os.path.normpath(f"{target}/{key[len(place.key) :].strip('/')}"))


def save(message: Fields) -> None:
    place, source = Place(parsed(message[2])), message[1].decode()
    if not os.path.isdir(source):
        place.store(source, place.key)
    for path in files(source):
        place.store(path, f"{place.key}/{os.path.relpath(path, source)}")


def delete(message: Fields) -> None:
    place = Place(parsed(message[1]))
    for key in place.listed():
        place.forget(key)


def answering(do: Callable[[Fields], None], where: int) -> grpc.RpcMethodHandler:
    def handle(request: bytes, context: grpc.ServicerContext) -> bytes:
        message = parsed(request)
        if broken := Place(parsed(message[where])).broken:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, broken)
        try:
            do(message)
        except (OSError, urllib.error.URLError) as error:
            said = str(error).encode()
            return b"\x12" + bytes([len(said[:127])]) + said[:127]
        return b"\x08\x01"

    return grpc.unary_unary_rpc_method_handler(handle)


METHODS = {"Load": answering(load, 1), "Save": answering(save, 2), "Delete": answering(delete, 1)}


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    handler = grpc.method_handlers_generic_handler("artifact.ArtifactService", METHODS)
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"unix:{sys.argv[1]}")
    signal.signal(signal.SIGTERM, lambda *_: server.stop(1))
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
