"""Networks: row by row as in the paper, a whole curve at once, and how they are trained."""
