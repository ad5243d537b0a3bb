"""Gaussian processes over state points: kernel, settings, and the model."""
