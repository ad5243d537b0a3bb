"""Models that learn g(r) from the two tables, and what tells how well they do it."""
