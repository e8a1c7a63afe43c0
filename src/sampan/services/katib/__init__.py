"""Katib beside the Kubernetes API: who searches, what was observed, and its gRPC services.

searcher        the process that searches, asked and kept alive
suggesting      answers controllers who ask for suggestions: reads what was tried, and asks it
"""
