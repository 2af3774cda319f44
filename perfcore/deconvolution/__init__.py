"""The forward operator, its regularised inverse, and the fused fast paths."""
