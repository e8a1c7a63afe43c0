"""`sampan delete TYPE NAME …` or `-f FILE`: delete objects and wait until they are gone."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from sampan.cli import connect, files, resources
from sampan.cli.progress import told
from sampan.cli.wait import until_gone
from sampan.kube.errors import NotFound, UserMistake

if TYPE_CHECKING:
    import argparse

    from sampan.engine.discovery import Resource

POLICIES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
PATIENCE = 120.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", metavar="TYPE [NAME …] | TYPE/NAME …")
    parser.add_argument("-f", "--filename", action="append", default=[], metavar="FILE")
    connect.options(parser)
    parser.add_argument("-l", "--selector", default="", help="all objects with these labels")
    parser.add_argument("--all", action="store_true", help="all objects of the type")
    parser.add_argument("--cascade", choices=list(POLICIES), default="background")
    parser.add_argument("--grace-period", type=int, help="seconds for pods to end")
    parser.add_argument("--ignore-not-found", action="store_true")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until they are gone")


def run(args: argparse.Namespace) -> int:
    return connect.run(args, _delete)


async def _delete(client: connect.Client, args: argparse.Namespace) -> int:
    options: dict[str, Any] = {"propagationPolicy": POLICIES[args.cascade]}
    if args.grace_period is not None:
        options["gracePeriodSeconds"] = args.grace_period
    failed = 0
    going = []
    for resource, namespace, name in await _wanted(client, args):
        path = resource.path(namespace, name)
        try:
            before = await client.get(path)
            await client.send("DELETE", path, options)
        except NotFound as error:
            if not args.ignore_not_found:
                print(f"sampan: {error}", file=sys.stderr)
                failed += 1
            continue
        print(f"{resource.word}/{name} deleted", flush=True)
        going.append((path, before["metadata"]["uid"]))
    if not args.no_wait:
        await _await_end(client, going)
    return 1 if failed else 0


async def _await_end(client: connect.Client, going: list[tuple[str, str]]) -> None:
    """`going` are (path, uid) pairs."""
    try:
        with told("waiting until they are gone"):
            async with asyncio.timeout(PATIENCE):
                for path, uid in going:
                    await until_gone(client, path, uid)
    except TimeoutError:
        raise UserMistake(f"after {PATIENCE:.0f} s not gone yet; finalizers may hold it") from None


async def _wanted(
    client: connect.Client, args: argparse.Namespace
) -> list[tuple[Resource, str, str]]:
    known = await resources.Resources.of(client)
    if args.filename:
        return [_place(known, each, args.namespace) for each in files.manifests(args.filename)]
    found = []
    for resource, name in resources.targets(known, args.words):
        if name:
            found.append((resource, args.namespace, name))
        elif args.selector or args.all:
            path = resource.path(args.namespace, labelSelector=args.selector)
            listed = await client.get(path)
            found += [
                (resource, args.namespace, item["metadata"]["name"]) for item in listed["items"]
            ]
        else:
            raise UserMistake(f"name the {resource.plural}, or say --all or -l LABELS")
    return found


def _place(
    known: resources.Resources, manifest: dict[str, Any], namespace: str
) -> tuple[Resource, str, str]:
    meta = manifest.get("metadata") or {}
    if not meta.get("name"):
        raise UserMistake(f"a {manifest.get('kind')} in the file has no name to delete")
    return known.of_manifest(manifest), meta.get("namespace") or namespace, meta["name"]
