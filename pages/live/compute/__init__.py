"""Computations on a live case: maps of a curve, preview grid, screen layout."""
