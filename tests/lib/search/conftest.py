"""Algorithms compute as in the process that searches: with one thread."""

from __future__ import annotations

from sampan.lib.search.process import keep_to_one_thread

keep_to_one_thread()
