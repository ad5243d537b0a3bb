"""Thermodynamics out of structure: what follows from the tables, what own runs add, and whether they agree."""
