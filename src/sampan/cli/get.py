"""`sampan get TYPE [NAME …]`: show objects, as kubectl does; `-w` goes on with their changes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from sampan.cli import connect, printing, resources

if TYPE_CHECKING:
    import argparse

    from sampan.engine.discovery import Resource

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", metavar="TYPE [NAME …] | TYPE/NAME …")
    connect.options(parser, all_namespaces=True)
    parser.add_argument("-l", "--selector", default="", help="only objects with these labels")
    parser.add_argument("--field-selector", default="")
    parser.add_argument("-w", "--watch", action="store_true", help="go on with what changes")
    printing.option(parser)


def run(args: argparse.Namespace) -> int:
    return connect.run(args, _get)


async def _get(client: connect.Client, args: argparse.Namespace) -> int:
    wanted = resources.targets(await resources.Resources.of(client), args.words)
    if not printing.is_table(args.output):
        return await _print_objects(client, args, wanted)
    shown = 0
    for resource, name in wanted:
        printer = printing.TablePrinter(
            args.output == "wide",
            resource.namespaced and args.all_namespaces,
            sys.stdout.write,
        )
        if len(wanted) > 1 and not name and shown:
            print()
        table = await client.get(_path(args, resource, name), accept=TABLE)
        printer.show(table)
        shown += len(table.get("rows") or ())
        if args.watch:
            await _follow(client, args, resource, name, table, printer)
    if not shown:
        where = "" if args.all_namespaces else f" in the namespace {args.namespace}"
        print(f"There is nothing{where}.", file=sys.stderr)
    return 0


def _path(args: argparse.Namespace, resource: Resource, name: str, **query: str) -> str:
    namespace = "" if args.all_namespaces else args.namespace
    if name and not query:
        return resource.path(namespace, name)
    fields = args.field_selector or (f"metadata.name={name}" if name else "")
    return resource.path(namespace, labelSelector=args.selector, fieldSelector=fields, **query)


async def _print_objects(
    client: connect.Client, args: argparse.Namespace, wanted: list[tuple[Resource, str]]
) -> int:
    for resource, name in wanted:
        answer = await client.get(_path(args, resource, name))
        objects = [answer] if name else [_typed(resource, each) for each in answer["items"]]
        sys.stdout.write(printing.render(args.output, resource, objects, single=bool(name)))
    return 0


def _typed(resource: Resource, item: dict[str, Any]) -> dict[str, Any]:
    """Items of a list say neither kind nor version; whoever reads the output wants both."""
    return {"apiVersion": resource.api_version, "kind": resource.kind} | item


async def _follow(
    client: connect.Client,
    args: argparse.Namespace,
    resource: Resource,
    name: str,
    table: dict[str, Any],
    printer: printing.TablePrinter,
) -> None:
    version = table["metadata"]["resourceVersion"]
    path = _path(args, resource, name, watch="true", resourceVersion=version)
    async for line in client.lines(path, accept=TABLE):
        event = json.loads(line)
        if event["type"] in ("ADDED", "MODIFIED", "DELETED"):
            printer.show(event["object"])
            sys.stdout.flush()
