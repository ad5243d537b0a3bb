"""Version 2 of the reference dataset: its campaign part by part, what runs beside it, and its tables."""
