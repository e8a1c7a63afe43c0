"""`sampan images`: what images are here, what they mean, and how they come and go.

All of it works on the files of the home, whether Sampan runs or not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from sampan.cli.home import home_of
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sampan.config import Home
    from sampan.nodes.images.environments import Environments
    from sampan.nodes.images.oci.store import Record, Store
    from sampan.nodes.images.reference import Reference
    from sampan.nodes.lightweight.layers import Layers

_KEPT = 30 * 86_400.0
"""Seconds without use after which packages of components and of stand-ins are pruned."""
_WIDEST = 60
_ENVIRONMENTS = "oci, oci=NAME, host, python=PREFIX or rootfs=DIRECTORY"


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("ls", help="the images that are here")
    listing.add_argument("-o", "--output", choices=["text", "json"], default="text")
    pull = actions.add_parser("pull", help="fetch images from their registries")
    pull.add_argument("names", metavar="NAME", nargs="+")
    table = actions.add_parser("map", help="show the table of images in config.yaml, or add to it")
    table.add_argument("pattern", metavar="PATTERN", nargs="?")
    table.add_argument("environment", metavar="ENVIRONMENT", nargs="?", help=_ENVIRONMENTS)
    prune = actions.add_parser("prune", help="remove images without names, and old packages")
    prune.add_argument("--all", action="store_true", help="and those that no pod uses")
    bring = actions.add_parser("import", help="take images from a file of `docker save`")
    bring.add_argument("file", metavar="FILE")
    bring.add_argument("--name", default="", help="instead of the one in the file")
    export = actions.add_parser("export", help="write images to a file for another machine")
    export.add_argument("names", metavar="NAME", nargs="+")
    export.add_argument("-f", "--file", required=True, metavar="FILE")
    for each in actions.choices.values():
        each.add_argument("--home", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    actions = {"ls": _ls, "pull": _pull, "map": _map, "prune": _prune, "import": _import,
               "export": _export}  # fmt: skip
    try:
        return actions[args.action](args, home_of(args))
    except OSError as error:
        raise UserMistake(f"{error.filename or args.action}: {error.strerror}") from error


def _ls(args: argparse.Namespace, home: Home) -> int:
    store, used = _store(home), list(_used(home))
    records = store.records()
    layers = list(_layers(home).list())
    wanted = list(_marks(home, "packages"))
    environments, had = list(_environments(home).list()), list(_marks(home, "environment"))
    if args.output == "json":
        found = [
            {"names": each.names, "digest": each.digest, "size": each.size,
             "usedBy": used.count(each.digest)}
            for each in records
        ]  # fmt: skip
        found += [
            {"packages": each.recipe.said, "namespace": each.recipe.namespace, "digest": each.key,
             "size": each.size, "usedBy": wanted.count(each.key)}
            for each in layers
        ]  # fmt: skip
        found += [
            {"environment": each.key, "packages": each.said, "size": each.size,
             "usedBy": had.count(each.key)}
            for each in environments
        ]  # fmt: skip
        print(json.dumps(found, indent=2))
        return 0
    rows = [("NAME", "DIGEST", "SIZE", "CONTAINERS")]
    for record in records:
        for name in record.names or ["<none>"]:
            digest = record.digest.partition(":")[2][:12]
            rows.append((name, digest, _size(record.size), str(used.count(record.digest))))
    for layer in layers:
        said = f"packages {layer.recipe.said} ({layer.recipe.namespace})"
        count = str(wanted.count(layer.key))
        rows.append((said[:_WIDEST], layer.key[:12], _size(layer.size), count))
    for each in environments:
        said, digest = f"stand-ins: {each.said}", each.key.rpartition("-")[2]
        rows.append((said[:_WIDEST], digest, _size(each.size), str(had.count(each.key))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        print("   ".join(cell.ljust(width) for cell, width in cells).rstrip())
    return 0


def _pull(args: argparse.Namespace, home: Home) -> int:
    from sampan.config import load
    from sampan.nodes.images.oci import login
    from sampan.nodes.images.oci.pull import pull
    from sampan.nodes.images.oci.wish import Wish

    config = load(home.config)
    home.make()
    for name in args.names:
        wish = Wish(
            image=name, mirrors=config.mirrors, registries=config.registries,
            logins=tuple(login.own()), owners=os.geteuid() == 0,
        )  # fmt: skip
        record = pull(_store(home), wish, _Progress(name))
        print(record.identity())
    return 0


def _map(args: argparse.Namespace, home: Home) -> int:
    from sampan.config import load
    from sampan.nodes.images import table

    if args.pattern and not args.environment:
        raise UserMistake(f"say what {args.pattern!r} is: {_ENVIRONMENTS}")
    if args.pattern:
        home.make()
        table.add(home.config, table.row(args.pattern, args.environment))
        print(f"{home.config} has the row now; pods that wait for it start in some seconds.")
        return 0
    rows = load(home.config).images
    for each in rows:
        words = {"python": each.python, "rootfs": each.rootfs}
        found = [f"{kind}={value}" for kind, value in words.items() if value]
        if each.oci:
            found.append("oci" if each.oci is True else f"oci={each.oci}")
        print(f"{each.match}   {(found or ['host'])[0]}")
    if not rows:
        print(f"{home.config} has no rows; families such as python:3 and busybox are known.")
    return 0


def _prune(args: argparse.Namespace, home: Home) -> int:
    removed = _store(home).prune(_used(home), all_unused=args.all)
    for name in removed.images:
        print(f"removed {name}")
    print(f"{len(removed.images)} images and {removed.layers} layers: {_size(removed.size)}")
    older = 0.0 if args.all else _KEPT
    gone = list(_layers(home).prune(set(_marks(home, "packages")), older=older))
    for layer in gone:
        print(f"removed packages {layer.recipe.said} ({layer.recipe.namespace})")
    if gone:
        print(f"{len(gone)} sets of packages: {_size(sum(layer.size for layer in gone))}")
    for each in _environments(home).prune(set(_marks(home, "environment")), older=older):
        print(f"removed what stand-ins have: {each.said}, {_size(each.size)}")
    return 0


def _import(args: argparse.Namespace, home: Home) -> int:
    from pathlib import Path

    from sampan.nodes.images.oci import archive

    home.make()
    path = Path(args.file)
    if not path.is_file():
        raise UserMistake(f"there is no file {path}")
    for record in archive.load(_store(home), path, args.name, owners=os.geteuid() == 0):
        print(record.names[0])
    return 0


def _export(args: argparse.Namespace, home: Home) -> int:
    from pathlib import Path

    from sampan.nodes.images.oci import archive
    from sampan.nodes.images.reference import parse

    store = _store(home)
    images: list[tuple[Record, Reference]] = []
    for name in args.names:
        try:
            reference = parse(name)
        except ValueError as error:
            raise UserMistake(str(error)) from error
        record = store.find(reference)
        if record is None:
            raise UserMistake(f"there is no image {reference} here; see `sampan images ls`")
        images.append((record, reference))
    draft = Path(args.file + ".part")
    try:
        with draft.open("wb") as file:
            archive.save(store, images, file)
        draft.replace(args.file)
    finally:
        draft.unlink(missing_ok=True)
    return 0


def _store(home: Home) -> Store:
    from sampan.nodes.images.oci.store import Store

    return Store(home.images)


def _layers(home: Home) -> Layers:
    from sampan.nodes.lightweight.layers import Layers

    return Layers(home.packages)


def _environments(home: Home) -> Environments:
    from sampan.nodes.images.environments import Environments

    return Environments(home.packages)


def _used(home: Home) -> Iterator[str]:
    """The digest of its image for each container that is there."""
    return _marks(home, "image")


def _marks(home: Home, name: str) -> Iterator[str]:
    for path in home.node.glob(f"pods/*/scratch/*/{name}"):
        try:
            yield path.read_text()
        except OSError:
            continue


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


class _Progress:
    """One line on a terminal, nothing elsewhere."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, done: int, of: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if done >= of else ""
            print(f"\r{self._name}: {_size(done)} of {_size(of)} ", end=end, file=sys.stderr)
