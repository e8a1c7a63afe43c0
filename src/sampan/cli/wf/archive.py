"""`sampan wf archive list, get, delete, retry, resubmit, list-label-keys, list-label-values`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from sampan.cli.wf import argo, tree
from sampan.cli.wf.argo import Argo
from sampan.cli.wf.show import as_text, table
from sampan.cli.wf.submit import following, parameters, report

_AT = "archived-workflows"


def arguments(verbs: Any) -> None:
    parser = verbs.add_parser("archive", help="workflows that were kept when they were deleted")
    actions = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    one = actions.add_parser("list")
    one.add_argument("-l", "--selector", help="by labels")
    one.add_argument("--limit", type=int, default=0)
    one.add_argument("-o", "--output", default="", help="json or yaml")
    argo.options(one, _list, every=True)
    one = actions.add_parser("get")
    one.add_argument("uid")
    one.add_argument("-o", "--output", default="", help="json or yaml")
    argo.options(one, _get)
    one = actions.add_parser("delete")
    one.add_argument("uids", nargs="+", metavar="UID")
    argo.options(one, _delete)
    for what in ("retry", "resubmit"):
        one = actions.add_parser(what)
        one.add_argument("uids", nargs="+", metavar="UID")
        parameters(one)
        following(one)
        argo.options(one, _again)
    one = actions.add_parser("list-label-keys")
    argo.options(one, _keys, every=True)
    one = actions.add_parser("list-label-values")
    one.add_argument("-l", "--selector", required=True, metavar="KEY")
    argo.options(one, _values, every=True)


async def _list(server: Argo, args: argparse.Namespace) -> int:
    found = await server.get(
        _AT,
        namespace=server.namespace,
        listOptions__labelSelector=args.selector,
        listOptions__limit=args.limit,
    )
    items = found.get("items") or []
    if args.output:
        print(as_text(args.output, items), end="")
        return 0
    uids = ["UID", *(each["metadata"]["uid"] for each in items)]
    lines = table(items, datetime.now(UTC), spaces=args.all_namespaces).splitlines()  # noqa: TID251
    print(tree.columns([(line, uid) for line, uid in zip(lines, uids, strict=True)]), end="")
    return 0


async def _get(server: Argo, args: argparse.Namespace) -> int:
    found = await server.get(_AT, args.uid)
    now = datetime.now(UTC)  # noqa: TID251
    print(as_text(args.output, found) if args.output else tree.shown(found, now), end="")
    return 0


async def _delete(server: Argo, args: argparse.Namespace) -> int:
    for uid in args.uids:
        await server.delete(_AT, uid)
        print(f"archived workflow {uid} deleted")
    return 0


async def _again(server: Argo, args: argparse.Namespace) -> int:
    body = {"parameters": args.parameter} if args.parameter else {}
    made = [await server.put(_AT, uid, args.what, body=body) for uid in args.uids]
    return await report(server, args, made)


async def _keys(server: Argo, args: argparse.Namespace) -> int:
    found = await server.get(f"{_AT}-label-keys", namespace=server.namespace)
    print("".join(f"{each}\n" for each in found.get("items") or ()), end="")
    return 0


async def _values(server: Argo, args: argparse.Namespace) -> int:
    asks = {"namespace": server.namespace, "listOptions__labelSelector": args.selector}
    found = await server.get(f"{_AT}-label-values", **asks)
    print("".join(f"{each}\n" for each in found.get("items") or ()), end="")
    return 0
