"""Keeping a home in one file, and making a home from it again. Used by the command line alone."""
