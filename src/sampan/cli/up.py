"""`sampan up`: start everything, in this terminal or, with --detach, behind it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from sampan.cli.home import home_of, is_held
from sampan.cli.progress import told
from sampan.config import State, load
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    from pathlib import Path

    from sampan.config import Config, Home

LOG_LINES = 15  # enough to show why it did not start


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, help="of the gateway (8080; 0 picks a free one)")
    parser.add_argument("--api-port", type=int, help="of the Kubernetes API (6443)")
    parser.add_argument("--argo-port", type=int, help="of the Argo Server, beside the gateway's")
    parser.add_argument("--s3-port", type=int, help="of the artifacts, for S3 clients")
    parser.add_argument("--katib-port", type=int, help="of Katib's gRPC services")
    parser.add_argument("--detach", action="store_true", help="return once all is ready")
    parser.add_argument("--with", dest="wanted", action="append", metavar="X", default=[])
    parser.add_argument("--without", action="append", metavar="X", default=[])
    parser.add_argument("--config", metavar="FILE", help="instead of config.yaml in the home")
    parser.add_argument("--log-format", choices=["text", "json"], help="of what it logs (text)")
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"])
    parser.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    home = home_of(args)
    config = _config(args, home)
    if is_held(home):
        raise UserMistake(f"Sampan already runs in {home.path}; see `sampan status`")
    home.make()
    if args.detach:
        return _detach(args, home)
    if args.ready_fd is not None:  # its end is waited for: processes of ours must not hold it
        os.set_inheritable(args.ready_fd, False)
    from sampan.app import run as serve

    def ready(state: State) -> None:
        if args.ready_fd is None:
            _say(state)
        else:
            with os.fdopen(args.ready_fd, "w") as pipe:
                json.dump({"gateway": state.gateway, "api": state.api}, pipe)

    return serve(home, config, ready, detached=args.ready_fd is not None)


def _config(args: argparse.Namespace, home: Home) -> Config:
    from pathlib import Path

    path: Path = Path(args.config).absolute() if args.config else home.config
    if args.config and not path.exists():
        raise UserMistake(f"there is no file {path}")
    settings: dict[str, Any] = {}
    if args.port is not None:
        settings["port"] = args.port
    if args.api_port is not None:
        settings["api_port"] = args.api_port
    if args.argo_port is not None:
        settings["argo_port"] = args.argo_port
    if args.s3_port is not None:
        settings["s3_port"] = args.s3_port
    if args.katib_port is not None:
        settings["katib_port"] = args.katib_port
    if args.log_format is not None:
        settings["log"] = args.log_format
    if args.log_level is not None:
        settings["log_level"] = args.log_level
    config = load(path, **settings)
    left_out = (*config.without, *args.without)
    from msgspec.structs import replace

    return replace(config, without=tuple(name for name in left_out if name not in args.wanted))


def _detach(args: argparse.Namespace, home: Home) -> int:
    """Start the same command in a session of its own and wait for its word on a pipe."""
    reader, writer = os.pipe()
    again = [sys.executable, "-m", "sampan.cli.main", "up", "--home", str(home.path)]
    for name in (
        "port", "api_port", "argo_port", "s3_port", "katib_port", "config", "log_format",
        "log_level",
    ):  # fmt: skip
        value = getattr(args, name)
        if value is not None:
            again += [f"--{name.replace('_', '-')}", str(value)]
    again += [word for name in args.without for word in ("--without", name)]
    again += [word for name in args.wanted for word in ("--with", name)]
    home.log.touch(mode=0o600)
    with home.log.open("ab") as log:
        child = subprocess.Popen(
            [*again, "--ready-fd", str(writer)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writer],
            start_new_session=True,
        )
    os.close(writer)
    with told("starting"), os.fdopen(reader) as pipe:
        said = pipe.read()
    if not said:
        child.wait()
        raise UserMistake(f"it did not start; the end of {home.log} says:\n{_tail(home.log)}")
    state = json.loads(said)
    _say(State(child.pid, state["gateway"], state["api"], str(home.kubeconfig)))
    return 0


def _say(state: State) -> None:
    print(
        f"Sampan is ready.\n"
        f"  gateway     {state.gateway}\n"
        f"  kubernetes  {state.api}\n"
        f"  kubectl     export KUBECONFIG={state.kubeconfig}",
        flush=True,
    )


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-LOG_LINES:])
