"""`sampan wf submit FILE… | --from KIND/NAME`: create workflows, and watch or wait for them."""

from __future__ import annotations

import argparse
from typing import Any

from sampan.cli import files
from sampan.cli.wf import argo, follow
from sampan.cli.wf.argo import Argo
from sampan.kube.errors import UserMistake
from sampan.lib import yaml


def arguments(verbs: Any) -> None:
    parser = verbs.add_parser("submit", help="run workflows from files or templates")
    parser.add_argument("files", nargs="*", metavar="FILE", help="YAML; - is standard input")
    kinds = "workflowtemplate, clusterworkflowtemplate, cronworkflow"
    parser.add_argument("--from", dest="source", metavar="KIND/NAME", help=f"kinds: {kinds}")
    parameters(parser)
    parser.add_argument("-f", "--parameter-file", metavar="FILE", help="YAML of names and values")
    parser.add_argument("--name")
    parser.add_argument("--generate-name")
    parser.add_argument("--entrypoint")
    parser.add_argument("--serviceaccount")
    parser.add_argument("-l", "--labels", metavar="A=B,C=D")
    parser.add_argument("--priority", type=int)
    parser.add_argument("--server-dry-run", action="store_true", help="create nothing")
    following(parser)
    argo.options(parser, _submit)


def parameters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE")


def following(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-w", "--wait", action="store_true", help="until it is over")
    parser.add_argument("--watch", action="store_true", help="show what happens until it is over")
    parser.add_argument("--log", action="store_true", help="print the logs until it is over")
    parser.add_argument("-o", "--output", default="", help="name, json or yaml")


async def _submit(server: Argo, args: argparse.Namespace) -> int:
    options = _options(args)
    if args.source:
        kind, slash, name = args.source.partition("/")
        if not slash or args.files:
            raise UserMistake("--from takes KIND/NAME and no files")
        body = {"resourceKind": kind, "resourceName": name, "submitOptions": options}
        made = [await server.post("workflows", server.namespace, "submit", body=body)]
    else:
        found = [each for each in files.manifests(args.files) if each.get("kind") == "Workflow"]
        if not found:
            raise UserMistake("there is no Workflow in the files")
        made = [await _create(server, args, each, options) for each in found]
    return await report(server, args, made)


async def _create(
    server: Argo, args: argparse.Namespace, workflow: dict[str, Any], options: dict[str, Any]
) -> Any:
    namespace = (workflow.get("metadata") or {}).get("namespace") or server.namespace
    body = {"workflow": with_options(workflow, options), "serverDryRun": args.server_dry_run}
    return await server.post("workflows", namespace, body=body)


def with_options(workflow: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The workflow of a file as the options want it; one from a template is made by the server."""
    meta, spec = dict(workflow.get("metadata") or {}), dict(workflow.get("spec") or {})
    for option, field in (("entryPoint", "entrypoint"), ("serviceAccount", "serviceAccountName"),
                          ("priority", "priority")):  # fmt: skip
        if option in options:
            spec[field] = options[option]
    if options.get("generateName"):
        meta.pop("name", None)
    meta |= {field: options[field] for field in ("name", "generateName") if field in options}
    if "labels" in options:
        pairs = dict(pair.partition("=")[::2] for pair in options["labels"].split(","))
        meta["labels"] = {**(meta.get("labels") or {}), **pairs}
    given = dict(text.partition("=")[::2] for text in options.get("parameters") or ())
    if given:
        arguments = spec.get("arguments") or {}
        kept = [each for each in arguments.get("parameters") or () if each["name"] not in given]
        new = [{"name": name, "value": value} for name, value in given.items()]
        spec["arguments"] = {**arguments, "parameters": [*new, *kept]}
    return {**workflow, "metadata": meta, "spec": spec}


async def report(server: Argo, args: argparse.Namespace, made: list[Any]) -> int:
    """Print what was made, and follow it if that is wanted; the exit code says how it ended."""
    for each in made:
        print(_said(args.output, each))
    code = 0
    for each in made:
        place = each["metadata"].get("namespace") or server.namespace, each["metadata"]["name"]
        if args.log:
            await follow.print_logs(server, *place, {"logOptions__follow": True})
        if args.watch:
            code |= await follow.watch(server, *place)
        elif args.wait or args.log:
            code |= await follow.until_over(server, *place)
    return code


def _said(output: str, workflow: Any) -> str:
    if output == "json":
        import json

        return json.dumps(workflow, indent=4)
    if output == "yaml":
        return str(yaml.dump(workflow)).rstrip()
    name: str = workflow["metadata"]["name"]
    return name if output == "name" else f"workflow {name} submitted"


def _options(args: argparse.Namespace) -> dict[str, Any]:
    texts = list(args.parameter)
    for text in texts:
        if "=" not in text:
            raise UserMistake(f"-p takes NAME=VALUE, not {text}")
    if args.parameter_file:
        (found,) = files.manifests([args.parameter_file]) or ({},)
        texts += [f"{name}={value if isinstance(value, str) else _json(value)}"
                  for name, value in found.items()]  # fmt: skip
    given = {
        "name": args.name,
        "generateName": args.generate_name,
        "entryPoint": args.entrypoint,
        "serviceAccount": args.serviceaccount,
        "labels": args.labels,
        "priority": args.priority,
        "parameters": texts,
        "serverDryRun": args.server_dry_run,
    }
    return {name: value for name, value in given.items() if value not in (None, "", [], False)}


def _json(value: Any) -> str:
    import json

    return json.dumps(value)
