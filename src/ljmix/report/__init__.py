"""Numbers of ``metrics.json`` as text, what things are called there, and what is published."""
