"""Katib beside the Kubernetes API: who searches, what was observed, and its gRPC services.

searcher        the process that searches, asked and kept alive
observing       keeps what trials report, answers controllers who ask for it, forgets it with them
suggesting      answers controllers who ask for suggestions: reads what was tried, and asks it
"""
