"""Potentials learned from the forces of a few frames: fitted, run under either engine, and held against the truth.

Every fitter has one method, ``fit(frames) -> Potential``, and every potential ``engine()``, which goes wherever
`ljmix.simulate` takes an engine.
"""
