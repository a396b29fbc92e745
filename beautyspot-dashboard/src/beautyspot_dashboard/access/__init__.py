"""Who may ask for what: hosts, tokens, origins, and the headers of each answer."""
