"""Ask any mixture: curves, phase and thermodynamics of a state that nobody has simulated, each with its doubt."""
