"""Models that learn g(r) from the two tables: one interface, one module a kind, one store."""
