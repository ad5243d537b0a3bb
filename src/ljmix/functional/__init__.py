"""Classical density functional theory: theory, exact rods, and a free energy that is learned."""
