"""Upstream's pipelines run as they are: see `__main__`."""
