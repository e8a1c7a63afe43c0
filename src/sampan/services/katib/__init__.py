"""Katib beside the Kubernetes API: who searches, what was observed, and its gRPC services.

searcher        the process that searches, asked and kept alive
problems        experiments and trials as it reads them
suggesting      answers controllers who ask for suggestions: reads what was tried, and asks it
foreign         or a service of the operator's own, by gRPC
observing       keeps what trials report, answers controllers who ask for it, forgets it with them
api, wire       the messages of gRPC, and objects as such
door, callers   the port where gRPC is spoken, and who comes in
managing        its methods
ui              the REST API of the user interface
"""
