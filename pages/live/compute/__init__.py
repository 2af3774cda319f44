"""What a live case computes: maps of a curve, preview grid, screen layout."""
