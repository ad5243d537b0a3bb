"""What follows from structure, by formulas: integrals, chemical potentials, fluctuations, transport."""
