"""`sampan apply -f FILE`: server-side apply of each object; one with a generateName is created."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from sampan.cli import connect, files, printing, resources
from sampan.kube.errors import ApiStatus, NotFound, UserMistake

if TYPE_CHECKING:
    import argparse

    from sampan.engine.discovery import Resource

MANAGER = "sampan-cli"
BOOKKEEPING = ("managedFields", "resourceVersion", "generation")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--filename", action="append", default=[], metavar="FILE")
    connect.options(parser)
    parser.add_argument("--force-conflicts", action="store_true", help="take fields of others")
    parser.add_argument("--dry-run", action="store_true", help="ask the server, change nothing")
    printing.option(parser)


def run(args: argparse.Namespace) -> int:
    found = files.manifests(args.filename)
    return connect.run(args, lambda client, args: _apply(client, args, found))


async def _apply(
    client: connect.Client, args: argparse.Namespace, found: list[dict[str, Any]]
) -> int:
    known = await resources.Resources.of(client)
    failed = 0
    for manifest in found:
        resource = known.of_manifest(manifest)
        try:
            done, word = await _one(client, args, resource, manifest)
        except ApiStatus as error:
            # One bad object must not keep the others from being applied.
            print(f"sampan: {error}", file=sys.stderr)
            failed += 1
            continue
        if printing.is_table(args.output):
            print(f"{resource.word}/{done['metadata']['name']} {word}")
        else:
            sys.stdout.write(printing.render(args.output, resource, [done], single=True))
    return 1 if failed else 0


async def _one(
    client: connect.Client,
    args: argparse.Namespace,
    resource: Resource,
    manifest: dict[str, Any],
) -> tuple[dict[str, Any], str]:
    meta = manifest.get("metadata") or {}
    namespace = meta.get("namespace") or args.namespace
    query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
    if args.dry_run:
        query["dryRun"] = "All"
    if not meta.get("name"):
        if not meta.get("generateName"):
            raise UserMistake(f"a {manifest.get('kind')} has neither name nor generateName")
        path = resource.path(namespace, **query)
        return await client.send("POST", path, manifest), "created"
    if args.force_conflicts:
        query["force"] = "true"
    before = None
    with contextlib.suppress(NotFound):
        before = await client.get(resource.path(namespace, meta["name"]))
    path = resource.path(namespace, meta["name"], **query)
    done = await client.send("PATCH", path, manifest, kind="application/apply-patch+yaml")
    if before is None:
        return done, "created"
    return done, "unchanged" if _content(before) == _content(done) else "configured"


def _content(manifest: dict[str, Any]) -> dict[str, Any]:
    """Without the server's bookkeeping: a dry run keeps the resourceVersion in any case."""
    meta = {key: value for key, value in manifest["metadata"].items() if key not in BOOKKEEPING}
    return {**manifest, "metadata": meta}
