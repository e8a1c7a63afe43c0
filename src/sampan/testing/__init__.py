"""Public fakes and contract test classes, for Sampan's own tests and for those of components."""
