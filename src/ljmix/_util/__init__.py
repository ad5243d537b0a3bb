"""What knows nothing of mixtures: files, command line, notebooks, provenance, threads, array types."""
