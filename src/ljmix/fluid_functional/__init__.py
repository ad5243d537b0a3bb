"""The functional of the pure fluid: what teaches it, how well it predicts, and what a profile costs."""
