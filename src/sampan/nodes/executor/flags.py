"""The flags of a resource template: what they mean to kubectl, as far as one object is concerned.

Words that are no flags name the object: `pod web`, `pod/web`. A flag that kubectl has and that
would have to do something here is carried out or refused, never passed over. Upstream:
k8s.io/kubectl pkg/cmd.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from sampan.nodes.executor.job import Failed

_SHORT = {"-n": "--namespace", "-p": "--patch", "-l": "--selector", "-o": "--output",
          "-A": "--all-namespaces", "-f": "--filename", "-R": "--recursive", "-k": "--kustomize",
          "-w": "--watch", "-L": "--label-columns"}  # fmt: skip
_VALUED = frozenset({
    "--namespace", "--patch", "--field-manager", "--grace-period", "--subresource", "--timeout",
    "--type",
})  # fmt: skip
_SWITCHES = frozenset({
    "--ignore-not-found", "--force", "--server-side", "--force-conflicts", "--wait", "--now",
    "--overwrite", "--save-config", "--validate", "--cascade", "--dry-run", "--show-managed-fields",
    "--warnings-as-errors",
})  # fmt: skip
"""Those that stand alone, or have their value behind a `=`."""
_OTHERS = frozenset({
    "--output", "--selector", "--all", "--all-namespaces", "--filename", "--recursive",
    "--kustomize",
    "--watch", "--label-columns", "--prune", "--field-selector", "--raw", "--template", "--edit",
    "--patch-file", "--local", "--record", "--chunk-size", "--sort-by", "--as", "--as-group",
    "--context", "--cluster", "--kubeconfig", "--server", "--token", "--user", "--v",
    "--allow-missing-template-keys", "--prune-allowlist", "--openapi-patch",
    "--windows-line-endings",
    "--watch-only", "--server-print", "--show-kind", "--show-labels", "--no-headers",
    "--output-watch-events", "--cache-dir", "--certificate-authority", "--client-certificate",
    "--client-key", "--insecure-skip-tls-verify", "--match-server-version", "--request-timeout",
    "--tls-server-name", "--interactive",
})  # fmt: skip
"""Of kubectl, but not to be had here."""


class Flags(Struct, frozen=True):
    """`targets`: (type, name) of the objects that are named by words; a type may be `pod`, `pods`,
    `po` or `deployments.apps`. `set`: the flags, with "true" where they have no value."""

    targets: tuple[tuple[str, str], ...] = ()
    set: dict[str, str] = {}

    def has(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.set.get(name, "false") != "false"


def read(given: Sequence[str]) -> Flags:
    """Raises Failed, in kubectl's words where it would refuse them, too."""
    words: list[str] = []
    found: dict[str, str] = {}
    waiting = iter(given)
    for each in waiting:
        if not each.startswith("-") or each == "-":
            words.append(each)
            continue
        name, value = _flag(each, waiting)
        found[name] = value
    return Flags(tuple(_targets(words)), found)


def _flag(text: str, rest: Iterator[str]) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name.startswith("--") and len(name) > 2:
        name, separator, value = text[:2], "=", text[2:].removeprefix("=")
    name = _SHORT.get(name, name)
    if name in _OTHERS:
        raise Failed(f"error: the flag {name} is not supported for resource templates by Sampan")
    if name in _VALUED:
        if not separator:
            value = next(rest, "")
        return name, value
    if name not in _SWITCHES:
        what = "unknown flag" if name.startswith("--") else "unknown shorthand flag"
        raise Failed(f"error: {what}: {name}")
    return name, value if separator else "true"


def _targets(words: list[str]) -> Iterator[tuple[str, str]]:
    if any("/" in word for word in words):
        for word in words:
            kind, slash, name = word.partition("/")
            if not (slash and kind and name) or "/" in name:
                raise Failed(
                    "error: there is no need to specify a resource type as a separate argument when"
                    " passing arguments in resource/name form"
                )
            yield kind, name
        return
    if len(words) == 1:
        raise Failed(f"error: the name of the object of type {words[0]!r} is missing")
    for name in words[1:]:
        yield words[0], name
