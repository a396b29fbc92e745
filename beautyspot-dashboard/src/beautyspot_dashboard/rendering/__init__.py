"""How pages are written: templates, links, texts, and the command line that gives the same."""
