"""How a gap could be filled, and the benchmark on hidden cells that decides which way is best."""
