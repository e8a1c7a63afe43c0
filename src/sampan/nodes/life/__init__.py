"""A pod's life as a pure decision: what is seen of it -> its status and what to do next."""
