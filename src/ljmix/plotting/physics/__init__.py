"""Figures of what the mixtures are beyond their curves: thermodynamics, transport, learned forces and functionals."""
