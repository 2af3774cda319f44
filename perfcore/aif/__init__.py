"""Input functions: curves and their edits, and the selectors that find them in a series."""
