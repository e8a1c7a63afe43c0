"""Stands in for pytest-kind, which would start a cluster in Docker: hands over one that runs."""

from pytest_kind.cluster import KindCluster

__all__ = ["KindCluster"]
