"""Version 2 of the reference dataset: built from parts of the campaign and the tables of version 1."""
