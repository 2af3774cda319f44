"""Computations on a live case: maps of a curve, data for the browser, screen layout."""
