"""Runs to tables, the tables themselves, and the dataset that the repository ships."""
