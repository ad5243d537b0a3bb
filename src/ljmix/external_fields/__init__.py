"""Slabs and channels of fluid in external fields: simulations and their tables, by either engine."""
