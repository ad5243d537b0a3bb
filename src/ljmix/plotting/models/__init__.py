"""Figures of models: how well they predict, how they learn, and what they use."""
