"""How good the surrogate is: every measure of one table, on states that it has not learned from."""
