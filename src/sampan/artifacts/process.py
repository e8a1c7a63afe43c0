"""The process that moves, packs or unpacks one artifact: a request on standard input, one line of
JSON in return.

    {}                              done
    {"keys": […]}                   of keys
    {"tag": text, "size": bytes}    of tag
    {"failed": message, "kind": …}  kind is the class of the error

Its memory is bounded, because servers and archives are hostile; it and all that it started end when
its input is closed.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import threading
from typing import Any

import msgspec

from sampan.artifacts import trees
from sampan.artifacts.archives import pack, place
from sampan.artifacts.drivers.driver import Driver, Tagging
from sampan.artifacts.faults import Fault, NotThere
from sampan.artifacts.request import Request

_MEMORY = 8 << 30  # of address space: threads take a lot and use little of it

_REFUSED = {
    "hdfs": "hdfs artifacts are not supported: there is no HDFS client here",
    "plugin": "artifacts of plugins are not supported here: their drivers run in pods only",
    "": "artifact storage is not configured",
}


def main() -> int:
    """Carry out one request; 0 when it is done."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=Request)
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        answer = _carry_out(request)
    except Fault as error:
        answer = {"failed": str(error), "kind": type(error).__name__}
    except (OSError, MemoryError, ValueError, RecursionError) as error:
        answer = {"failed": str(error) or type(error).__name__, "kind": "Fault"}
    print(json.dumps(answer), flush=True)
    return 1 if "failed" in answer else 0


def _carry_out(request: Request) -> dict[str, Any]:
    if request.verb == "pack":
        with open(request.path, "xb") as out:
            pack(request.source, out, request.form)
        return {}
    if request.verb == "unpack":
        place(request.source, request.path, request.form)
        return {}
    driver = _driver(request)
    if request.verb == "keys":
        return {"keys": driver.keys()}
    if request.verb == "tag":
        return _tag(driver)
    if request.verb == "delete":
        driver.delete()
    elif request.verb == "save":
        _save(request, driver)
    elif request.verb == "load":
        _load(request, driver)
    else:
        driver.load(request.path)
        if os.path.isdir(request.path):
            raise NotThere("the artifact is a directory: name a file in it")
    return {}


def _tag(driver: Driver) -> dict[str, Any]:
    if not isinstance(driver, Tagging):
        raise Fault("this kind of store has no tags for what is in it")
    tag, size = driver.tag()
    return {"tag": tag, "size": size}


def _driver(request: Request) -> Driver:
    """Only the libraries that this one needs are loaded."""
    if request.kind in _REFUSED:
        raise Fault(_REFUSED[request.kind])
    try:
        module = importlib.import_module(f"sampan.artifacts.drivers.{request.kind}")
    except ModuleNotFoundError as error:
        raise Fault(f"{request.kind} artifacts need the package {error.name}") from error
    driver: Driver = module.DRIVER(request)
    return driver


def _load(request: Request, driver: Driver) -> None:
    made = f"{request.scratch}/loaded"
    driver.load(made)
    if os.path.isdir(made):
        if request.form.archive not in ("", "none"):
            raise Fault("the artifact is a directory, no archive")
        trees.move(made, request.path)
        return
    beside = request.path + ".loaded"
    trees.move(made, beside)
    try:
        place(beside, request.path, request.form)
    finally:
        trees.remove(beside)


def _save(request: Request, driver: Driver) -> None:
    if request.form.archive == "none":
        driver.save(request.path)
        return
    packed = f"{request.scratch}/packed"
    with open(packed, "xb") as out:
        pack(request.path, out, request.form)
    driver.save(packed)


def _end_with_input() -> None:
    """Whoever asked does not wait any more."""
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
