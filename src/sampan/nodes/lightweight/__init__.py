"""Lightweight Python components of Kubeflow Pipelines, without what their command spends on pip.

A pod of such a component carries a shell command that installs the SDK and the component's
packages, writes the function's source to a file, and runs it. Here the command is recognised
(`recognise`), the packages come from directories that were filled once, and the function runs in a
fork of a warm interpreter where that can be. What is not recognised, or cannot be had, runs as the
command says.
"""
