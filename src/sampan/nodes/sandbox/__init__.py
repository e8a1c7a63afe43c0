"""Sandboxes: one description, two ways to carry it out (bubblewrap, plain processes)."""
