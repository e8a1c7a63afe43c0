"""What a workflow says in tags: parameters, scopes, substitution."""
