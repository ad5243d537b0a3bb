"""How good predicted curves are, and how sure that is, whatever made them."""
