"""Words that every part shares: names, keys, plans, errors, selectors, patches. Pure."""
