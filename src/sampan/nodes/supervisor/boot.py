"""The first lines of a zygote: `python -c "exec(open(this file).read(), …)" SOURCE FD COUNT
[SITE…] [MODULE…]`.

Runs in any Python from 3.9, in the interpreter of a user's environment. COUNT directories are put
where the user's own packages would be on the path. The order is the point:
what a fresh interpreter has loaded is noted first, then the named modules are imported, and only
then our own code comes, so that it is known what has to be forgotten after a fork. A module that
cannot be imported is left out: the program that wants it will be told why. A program of its own,
not a module: nothing imports it.
"""

import sys


def _boot() -> None:
    fresh = set(sys.modules)
    path, orig = sys.path[1:], sys.argv[1:]
    sys.modules["posix"].closerange(int(orig[1]) + 1, 65_536)
    sys.path[:] = path
    writes = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # the environment is to stay as it is
    site, modules = sys.modules.get("site"), 3 + int(orig[2])
    own = site.getsitepackages() if site is not None else []
    at = min([path.index(place) for place in own if place in path] or [len(path)])
    sys.path[at:at] = orig[3:modules]
    for name in orig[modules:]:
        try:
            __import__(name)
        except BaseException as error:
            print(f"warm module {name}: {type(error).__name__}: {error}", file=sys.stderr)
    named = set(sys.modules)
    sys.path.insert(0, orig[0])
    from sampan.nodes.supervisor import zygote  # noqa: PLC0415

    del sys.path[0]
    sys.dont_write_bytecode = writes
    sys.path_importer_cache.pop(orig[0], None)
    zygote.boot(int(orig[1]), fresh, named, orig[3:modules])


_boot()
