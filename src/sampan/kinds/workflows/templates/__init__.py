"""Workflow templates: one file per kind, and what steps and dag share."""
