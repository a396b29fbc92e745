"""Keys and values of NumPy, pandas, Torch and others. Each module is loaded by its name.

A module of values has ``CODECS``, by exact type; a function ``codec_of_type`` in it replaces the
look-up. A module of keys has ``FAMILIES``, and may have ``FORMS``: see `keys.canonical.resolve`.
"""
