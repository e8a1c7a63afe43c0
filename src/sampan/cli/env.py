"""`eval "$(sampan env)"`: what makes programs of this shell find the cluster.

KUBECONFIG                   kubectl and every client of Kubernetes
grpc_proxy, no_grpc_proxy    gRPC by names of services, such as katib-db-manager.kubeflow:6789;
                             with a word in it that holds until Sampan is started again
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from sampan.cli.home import home_of, is_held
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse

_NEAR = "localhost,127.0.0.1,::1"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--unset", action="store_true", help="print what takes it back")


def run(args: argparse.Namespace) -> int:
    home = home_of(args)
    state = home.running() if is_held(home) else None
    if state is None and not args.unset:
        raise UserMistake("Sampan is not running; start it with `sampan up`")
    proxy = state.grpc_proxy if state else ""
    found = {"KUBECONFIG": str(home.kubeconfig)}
    if proxy or args.unset:
        found |= {"grpc_proxy": proxy, "no_grpc_proxy": _NEAR}
    for name, value in found.items():
        print(f"unset {name}" if args.unset else f"export {name}={shlex.quote(value)}")
    return 0
