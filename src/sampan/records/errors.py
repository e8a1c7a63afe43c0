"""What can go wrong with records."""

from __future__ import annotations

from sampan.kube.errors import SampanError


class ArchiveFailed(SampanError):
    """The database cannot be reached, or refuses."""


class RowRefused(ArchiveFailed):
    """The database takes no such row, now or later."""
