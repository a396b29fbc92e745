"""Keys and values of NumPy, pandas, Torch and others; each module is loaded by its name.

A module of values has ``CODECS``, by exact type, and may have a function ``codec_of_type`` in place
of looking there. A module of keys has ``FAMILIES``, and may have ``FORMS``: see `keys.canonical`.
"""
