"""What moves particles: one promise for all engines, HOOMD-blue, LAMMPS, and Monte Carlo moves between their steps."""
