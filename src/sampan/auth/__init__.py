"""Who may do what: keys, tokens, RBAC. Login and sessions come with the dashboard."""
