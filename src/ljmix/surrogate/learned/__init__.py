"""What a surrogate learns from a dataset: processes on top of theory, for one liquid and for two."""
