"""`sampan events`: what has happened to objects, the oldest first; `-w` goes on."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from sampan.cli import connect, printing, resources
from sampan.explain.facts import moment
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse

TYPES = ("Normal", "Warning")


def arguments(parser: argparse.ArgumentParser) -> None:
    connect.options(parser, all_namespaces=True)
    parser.add_argument("--for", dest="about", metavar="TYPE/NAME", help="of this object only")
    parser.add_argument("--types", default="", metavar="TYPES", help="Normal,Warning")
    parser.add_argument("-w", "--watch", action="store_true", help="go on with new ones")
    parser.add_argument("-o", "--output", default="", metavar="FORMAT", help=printing.FORMATS)


def run(args: argparse.Namespace) -> int:
    wanted = {word.strip().lower() for word in args.types.split(",") if word.strip()}
    if unknown := wanted - {each.lower() for each in TYPES}:
        raise UserMistake(
            f"there is no type {', '.join(sorted(unknown))}; there are Normal, Warning"
        )
    return connect.run(args, lambda client, args: _events(client, args, wanted))


async def _events(client: connect.Client, args: argparse.Namespace, wanted: set[str]) -> int:
    known = await resources.Resources.of(client)
    events = known.named("events")
    fields = _about(known, args.about)
    namespace = "" if args.all_namespaces else args.namespace
    listed = await client.get(events.path(namespace, fieldSelector=fields))
    found = [
        {"apiVersion": events.api_version, "kind": events.kind} | each
        for each in sorted(listed["items"], key=moment)
        if _is_wanted(each, wanted)
    ]
    if not printing.is_table(args.output):
        sys.stdout.write(printing.render(args.output, events, found, single=False))
        return 0
    table = _Table(namespaces=args.all_namespaces)
    table.show(found)
    if not found and not args.watch:
        where = "" if args.all_namespaces else f" in the namespace {args.namespace}"
        print(f"There are no events{where}.", file=sys.stderr)
    if args.watch:
        version = listed["metadata"]["resourceVersion"]
        path = events.path(namespace, fieldSelector=fields, watch="true", resourceVersion=version)
        async for line in client.lines(path):
            event = json.loads(line)
            if event["type"] in ("ADDED", "MODIFIED") and _is_wanted(event["object"], wanted):
                table.show([event["object"]])
                sys.stdout.flush()
    return 0


def _about(known: resources.Resources, word: str | None) -> str:
    """The field selector for `--for`."""
    if not word:
        return ""
    kind, slash, name = word.partition("/")
    if not slash or not name:
        raise UserMistake(f'--for "{word}": say TYPE/NAME, such as pod/web')
    return f"involvedObject.kind={known.named(kind).kind},involvedObject.name={name}"


def _is_wanted(event: dict[str, Any], wanted: set[str]) -> bool:
    return not wanted or str(event.get("type")).lower() in wanted


class _Table:
    def __init__(self, *, namespaces: bool) -> None:
        self._printer = printing.TablePrinter(False, namespaces, sys.stdout.write)

    def show(self, events: list[dict[str, Any]]) -> None:
        names = ("Last Seen", "Type", "Reason", "Object", "Message")
        columns = [{"name": name, "type": "string"} for name in names]
        rows = [{"cells": _cells(each), "object": each} for each in events]
        self._printer.show({"columnDefinitions": columns, "rows": rows})


def _cells(event: dict[str, Any]) -> list[str]:
    involved = event.get("involvedObject") or {}
    count = event.get("count") or 1
    seen = moment(event).partition(".")[0].removesuffix("Z") + "Z"
    times = f" (x{count})" if count > 1 else ""
    return [
        seen + times,
        str(event.get("type") or ""),
        str(event.get("reason") or ""),
        f"{involved.get('kind', '')}/{involved.get('name', '')}",
        " ".join(str(event.get("message") or "").split()),
    ]
