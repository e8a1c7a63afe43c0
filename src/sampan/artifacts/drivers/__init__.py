"""One file for each kind of place that artifacts lie in; imported by `process` alone."""
