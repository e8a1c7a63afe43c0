"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry import Registry, Unavailable, standard


@pytest.fixture(scope="session")
def docker_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Debian's, with the images that most suites ask for."""
    try:
        with Registry(tmp_path_factory.mktemp("registry")) as found:
            standard(found)
            yield found
    except Unavailable as error:
        pytest.skip(f"no registry: {error}")
