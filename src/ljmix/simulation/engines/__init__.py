"""HOOMD-blue, LAMMPS, and the Monte Carlo moves between their steps."""
