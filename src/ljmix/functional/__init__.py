"""Classical density functional theory: theory, what is learned beside it, and the profiles that teach it."""
