"""`sampan wait TYPE/NAME --for …`: until a condition holds, a value is there, or all are gone.

Each object is followed by a watch, so the answer comes with the change and not with a poll.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from sampan.cli import connect, resources
from sampan.kube.errors import Expired, NotFound, UserMistake

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from sampan.engine.discovery import Resource

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", metavar="TYPE NAME … | TYPE/NAME …")
    parser.add_argument(
        "--for", dest="until", required=True, metavar="WHAT",
        help="condition=NAME[=VALUE], jsonpath={…}=VALUE, or delete",
    )  # fmt: skip
    parser.add_argument("--timeout", default="30s", help="such as 30s, 5m (30s)")
    parser.add_argument("-l", "--selector", default="", help="all objects with these labels")
    connect.options(parser)


def run(args: argparse.Namespace) -> int:
    return connect.run(args, _wait)


async def _wait(client: connect.Client, args: argparse.Namespace) -> int:
    seconds = duration(args.timeout)
    test = None if args.until == "delete" else condition(args.until)
    wanted = await _wanted(client, args)
    try:
        async with asyncio.timeout(seconds):
            for resource, name in wanted:
                path = resource.path(args.namespace, name)
                if test is None:
                    await until_gone(client, path)
                    print(f"{resource.word}/{name} deleted", flush=True)
                else:
                    await until(client, path, test)
                    print(f"{resource.word}/{name} condition met", flush=True)
    except TimeoutError:
        raise UserMistake(f"after {args.timeout} still not {args.until}: {name}") from None
    return 0


async def _wanted(client: connect.Client, args: argparse.Namespace) -> list[tuple[Resource, str]]:
    found = []
    for resource, name in resources.targets(await resources.Resources.of(client), args.words):
        if name:
            found.append((resource, name))
            continue
        listed = await client.get(resource.path(args.namespace, labelSelector=args.selector))
        found += [(resource, item["metadata"]["name"]) for item in listed["items"]]
    if not found:
        raise UserMistake("no object matches")
    return found


async def until(client: connect.Client, path: str, test: Callable[[dict[str, Any]], bool]) -> None:
    """Until the object at the path passes the test. NotFound when it is gone."""
    async for found in _states(client, path):
        if found is None:
            raise NotFound("it was deleted")
        if test(found):
            return


async def until_gone(client: connect.Client, path: str, uid: str = "") -> None:
    """Until the path has no object, or one with another uid."""
    async for found in _states(client, path):
        if found is None or (uid and found["metadata"]["uid"] != uid):
            return


async def _states(client: connect.Client, path: str):  # type: ignore[no-untyped-def]
    """The object at the path now and after each change; None when it is gone."""
    collection, _, name = path.rpartition("/")
    while True:
        try:
            found = await client.get(path)
        except NotFound:
            yield None
            return
        yield found
        version = found["metadata"]["resourceVersion"]
        query = f"watch=true&fieldSelector=metadata.name%3D{name}&resourceVersion={version}"
        try:
            async for line in client.lines(f"{collection}?{query}"):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    break
                yield None if event["type"] == "DELETED" else event["object"]
        except Expired:
            continue


def condition(text: str) -> Callable[[dict[str, Any]], bool]:
    """The test that a `--for` means. UserMistake when it means none."""
    from sampan.lib import jsonpath

    what, _, rest = text.partition("=")
    if what == "condition" and rest:
        name, _, value = rest.partition("=")
        return lambda found: _has_condition(found, name.lower(), (value or "True").lower())
    if what == "jsonpath" and rest.startswith(("{", "'{")):
        expression, _, value = rest.strip("'").rpartition("}")
        try:
            path = jsonpath.compile(expression + "}")
        except jsonpath.JsonPathError as error:
            raise UserMistake(str(error)) from error
        value = value.removeprefix("=")
        return lambda found: _render(path, found) == value if value else bool(_render(path, found))
    raise UserMistake(f'--for "{text}": say condition=NAME, jsonpath={{…}}=VALUE or delete')


def _render(path: Any, found: dict[str, Any]) -> str:
    from sampan.lib import jsonpath

    try:
        return str(path.render(found))
    except jsonpath.JsonPathError:
        return ""  # the field is not there yet


def _has_condition(found: dict[str, Any], name: str, value: str) -> bool:
    status = found.get("status") or {}
    return any(
        each.get("type", "").lower() == name and each.get("status", "").lower() == value
        for each in status.get("conditions") or ()
    )


def duration(text: str) -> float:
    """Seconds in `30s`, `5m`, `1h`."""
    number, unit = text[:-1], text[-1:]
    try:
        return float(number) * UNITS[unit]
    except (KeyError, ValueError):
        raise UserMistake(f'"{text}" is no duration; write 30s, 5m or 1h') from None
