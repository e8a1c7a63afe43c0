"""`sampan wf suspend, resume, stop, terminate, retry, resubmit, delete, set`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from sampan.cli.wf import argo
from sampan.cli.wf.argo import Argo
from sampan.cli.wf.submit import following, parameters, report
from sampan.kube.errors import UserMistake

_SELECTOR = "nodeFieldSelector"
_DONE = {"suspend": "suspended", "resume": "resumed", "stop": "stopped",
         "terminate": "terminated"}  # fmt: skip


def arguments(verbs: Any) -> None:
    for verb, what in (
        ("suspend", "let workflows begin no more steps"),
        ("resume", "let them go on"),
        ("stop", "end workflows; their exit handlers still run"),
        ("terminate", "end workflows at once"),
    ):
        parser = _parser(verbs, verb, what)
        if verb in ("resume", "stop"):
            _selecting(parser)
        if verb == "stop":
            parser.add_argument("--message")
        argo.options(parser, _change)
    parser = _parser(verbs, "retry", "run what has failed in workflows again")
    parser.add_argument("--restart-successful", action="store_true")
    _selecting(parser)
    parameters(parser)
    following(parser)
    argo.options(parser, _again)
    parser = _parser(verbs, "resubmit", "run workflows again, as new ones")
    parser.add_argument("--memoized", action="store_true", help="keep what has succeeded")
    parameters(parser)
    following(parser)
    argo.options(parser, _again)
    parser = verbs.add_parser("delete", help="delete workflows")
    parser.add_argument("workflows", nargs="*")
    parser.add_argument("--all", action="store_true", help="of the namespace")
    parser.add_argument("--completed", action="store_true", help="all that are over")
    parser.add_argument("--force", action="store_true", help="without waiting for finalizers")
    argo.options(parser, _delete)
    parser = verbs.add_parser("set", help="set outputs and phase of suspended steps")
    parser.add_argument("workflow")
    _selecting(parser)
    parser.add_argument("--phase", help="Succeeded, Failed or Error")
    parser.add_argument("--message")
    parser.add_argument("-p", "--output-parameter", action="append", default=[],
                        metavar="NAME=VALUE")  # fmt: skip
    argo.options(parser, _set)


def _parser(verbs: Any, verb: str, what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(verb, help=what)
    parser.add_argument("workflows", nargs="+", metavar="WORKFLOW")
    return parser


def _selecting(parser: argparse.ArgumentParser) -> None:
    fields = "displayName, templateName, phase, name, id, inputs.parameters.NAME.value"
    parser.add_argument(
        "--node-field-selector", metavar="FIELD=VALUE", default="", help=f"fields: {fields}"
    )


async def _change(server: Argo, args: argparse.Namespace) -> int:
    for name in args.workflows:
        body = {_SELECTOR: getattr(args, "node_field_selector", "")}
        body |= {"message": getattr(args, "message", None) or ""}
        body = {key: value for key, value in body.items() if value}
        await server.put("workflows", server.namespace, name, args.action, body=body)
        print(f"workflow {name} {_DONE[args.action]}")
    return 0


async def _again(server: Argo, args: argparse.Namespace) -> int:
    given = {
        "memoized": getattr(args, "memoized", False),
        "restartSuccessful": getattr(args, "restart_successful", False),
        _SELECTOR: getattr(args, "node_field_selector", ""),
        "parameters": args.parameter,
    }
    body = {key: value for key, value in given.items() if value}
    made = [
        await server.put("workflows", server.namespace, name, args.action, body=body)
        for name in args.workflows
    ]
    return await report(server, args, made)


async def _delete(server: Argo, args: argparse.Namespace) -> int:
    chosen = list(args.workflows)
    if args.all or args.completed:
        found = await server.get("workflows", server.namespace, fields="items.metadata.name,"
                                 "items.status.phase")  # fmt: skip
        over = ("Succeeded", "Failed", "Error")
        chosen += [
            each["metadata"]["name"]
            for each in found.get("items") or ()
            if args.all or (each.get("status") or {}).get("phase") in over
        ]
    elif not chosen:
        raise UserMistake("name the workflows, or say --all or --completed")
    for name in dict.fromkeys(chosen):
        await server.delete("workflows", server.namespace, name, force=args.force)
        print(f"workflow {name} deleted")
    return 0


async def _set(server: Argo, args: argparse.Namespace) -> int:
    values = dict(text.partition("=")[::2] for text in args.output_parameter)
    given = {
        _SELECTOR: args.node_field_selector,
        "phase": args.phase,
        "message": args.message,
        "outputParameters": json.dumps(values) if values else "",
    }
    body = {key: value for key, value in given.items() if value}
    await server.put("workflows", server.namespace, args.workflow, "set", body=body)
    print(f"workflow {args.workflow} set")
    return 0
