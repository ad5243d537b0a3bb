"""Slabs of fluid in external fields: simulations, their tables, what is learned from them and how well it predicts."""
