"""Where artifacts go, and when they go away again; bytes are moved by `sampan.artifacts`."""
