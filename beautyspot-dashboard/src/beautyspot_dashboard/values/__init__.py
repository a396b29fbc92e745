"""How a stored value is shown: as what it is."""
