"""Upstream's Experiments run as they are: see `__main__`."""
