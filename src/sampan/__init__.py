"""Sampan: the whole of Kubeflow as one Python program."""

__version__ = "0.1.0"
