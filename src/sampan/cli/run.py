"""`sampan run pipeline.py | pipeline.yaml [-p NAME=VALUE …]`: run a pipeline, and follow it."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Any

from sampan.cli.pipelines import follow, packages, server
from sampan.cli.pipelines.server import Server
from sampan.cli.progress import told
from sampan.kinds.pipelines.ir import documents

_DEFAULT = "Default"
"""The experiment of runs that name none, in each namespace: an experiment says where a run is."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="Python with a pipeline, or compiled YAML")
    parser.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE",
        help="an argument of the pipeline; lists and dictionaries as JSON (again for each)",
    )  # fmt: skip
    parser.add_argument(
        "--parameter-file", default="", metavar="FILE", help="YAML of names and values"
    )
    parser.add_argument(
        "-f", "--follow", action="store_true", help="show what happens until it is over"
    )
    parser.add_argument("--name", help="of the run; else the pipeline's and the time")
    parser.add_argument("--experiment", metavar="NAME", help="made if there is none (Default)")
    parser.add_argument("--pipeline-root", default="", metavar="URI", help="where artifacts go")
    parser.add_argument("--service-account", default="", metavar="NAME", help="of its pods")
    parser.add_argument(
        "--no-cache", action="store_true", help="run all tasks, whatever ran before"
    )
    parser.add_argument(
        "--python", default=packages.PYTHON, metavar="PATH",
        help="the interpreter with kfp that compiles a Python file (python3)",
    )  # fmt: skip
    parser.add_argument("--function", default="", help="which pipeline of a Python file")
    server.options(parser)


def run(args: argparse.Namespace) -> int:
    with told(f"compiling {args.file}"):
        read, pipeline = packages.load(args.file, python=args.python, function=args.function)
    given = packages.given(pipeline, args.parameter, args.parameter_file)
    if args.no_cache:
        read = documents.Documents(packages.uncached(read.spec), read.platform)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H-%M-%S")  # noqa: TID251
    body: dict[str, Any] = {
        "display_name": args.name or f"{pipeline.name} {now}",
        "pipeline_spec": documents.joined(read),
        "runtime_config": {"parameters": given},
    }
    if args.pipeline_root:
        body["runtime_config"]["pipeline_root"] = args.pipeline_root
    if args.service_account:
        body["service_account"] = args.service_account

    async def create(connection: Server, args: argparse.Namespace) -> int:
        if args.experiment or args.namespace:
            name = args.experiment or _DEFAULT
            body["experiment_id"] = await connection.experiment(name, make=True)
        made = await connection.post("runs", body=body)
        if not args.follow:
            print(made["run_id"])
            print(f"follow it: sampan runs get {made['run_id']} --follow", file=sys.stderr)
            return 0
        return await follow.until_over(connection, made["run_id"])

    return server.run(args, create)
