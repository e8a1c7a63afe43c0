"""Which packages may come from a directory that was filled before: those that an index names. Pure.

What else pip takes (files, URLs, repositories, lists of requirements) may have other contents each
time, or belongs to the pod; so do variables that name files. Then the command runs as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_NAMED = re.compile(r"[A-Za-z0-9][\w.-]*\s*(\[[\w.,\s-]*\])?\s*([<>=!~(][^@/\\;]*)?(;[^@\\]*)?")
_ARCHIVE = re.compile(r".*\.(whl|zip|tar|gz|bz2|xz|tgz|toml)\s*", re.IGNORECASE | re.DOTALL)
_SWITCHES = frozenset(
    ("--no-deps", "--pre", "--upgrade", "-U", "--no-cache-dir", "--prefer-binary", "--no-input",
     "--quiet", "-q", "--no-warn-script-location", "--disable-pip-version-check",
     "--no-build-isolation", "--use-pep517", "--no-warn-conflicts", "--break-system-packages")
)  # fmt: skip
_VALUED = frozenset(
    ("--index-url", "-i", "--extra-index-url", "--trusted-host", "--only-binary", "--no-binary",
     "--timeout", "--retries", "--upgrade-strategy")
)  # fmt: skip
_PREFIXES = ("PIP_", "SETUPTOOLS_")
_READ = frozenset(
    ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir",
     "requests_ca_bundle", "curl_ca_bundle", "netrc", "cc", "cxx", "cflags", "cxxflags", "cppflags",
     "ldflags", "makeflags", "pkg_config_path", "cuda_home", "source_date_epoch", "lang", "lc_all")
)  # fmt: skip
"""In small letters: variables that decide what pip installs, or what a build of a package makes."""


def named(call: Sequence[str]) -> list[str] | None:
    """What a call of pip installs, if all of it comes from an index by its name."""
    words, found = list(call), []
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=")
        if option in _VALUED:
            if not equals:
                value = words.pop(0) if words else ""
            if not value or _is_place(value):
                return None
        elif word.startswith("-"):
            if word not in _SWITCHES:
                return None
        elif not _NAMED.fullmatch(word) or _ARCHIVE.fullmatch(word):
            return None
        else:
            found.append(word)
    return found or None


def variables(env: Mapping[str, str]) -> dict[str, str] | None:
    """Those that a build is to see, and no others; None when one of them names a file."""
    own = {
        name: value
        for name, value in env.items()
        if name.startswith(_PREFIXES) or name.lower() in _READ
    }
    return None if any(map(_is_place, own.values())) else own


def _is_place(value: str) -> bool:
    """Of the file system, which is the pod's own."""
    return value.startswith(("/", ".", "~", "file:"))
