"""Keys and values of NumPy, pandas, Torch and others; each module is loaded by its name."""
