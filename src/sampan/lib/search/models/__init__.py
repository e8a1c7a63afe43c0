"""Models of what was tried, with which algorithms guess. They know places and losses alone."""
