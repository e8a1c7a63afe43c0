"""Workflow templates: one file per kind, and what steps and dag share.

A kind is asked for its node in every look until the node is over: it makes what is missing, and
does nothing when nothing is. Who is asked, and what is checked before, stands in `execute`.
"""
