"""What is known without simulating: density, coexistence, cavity functions, integral equations."""
