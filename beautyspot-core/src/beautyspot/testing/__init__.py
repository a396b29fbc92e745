"""Contract test classes: a plug-in author subclasses one and gets the whole suite."""
