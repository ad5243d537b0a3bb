"""Density functional of the symmetric binary mixture: two species, how much they like each other as an input."""
