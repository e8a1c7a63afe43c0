"""`sampan token`: a bearer token, for a person or for a service account.

Persons' tokens are signed here with the home's key, which only its owner can read; a service
account's token is asked of the API server, as `kubectl create token` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sampan.cli.home import home_of
from sampan.kube import names
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse

DAY = 86_400.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", help="instead of the administrator of this home")
    parser.add_argument("--group", action="append", default=[], help="groups of --user")
    parser.add_argument("--days", type=float, default=1.0, help="how long it is valid (1)")


def run(args: argparse.Namespace) -> int:
    from sampan.auth.keys import SigningKey
    from sampan.auth.tokens import Tokens
    from sampan.lib.clock import SystemClock

    path = home_of(args).keys / "signing.key"
    if not path.exists():
        raise UserMistake(f"there is no key in {path.parent} yet; `sampan up` makes it")
    tokens = Tokens(SigningKey.load_or_make(path), SystemClock(), lambda key: None)
    if args.user:
        print(tokens.for_person(args.user, args.group, args.days * DAY))
    else:
        print(tokens.for_person(names.USER_ADMIN, [names.GROUP_MASTERS], args.days * DAY))
    return 0
