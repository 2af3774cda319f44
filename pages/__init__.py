"""The dashboard's pages: widgets and calls, no numerics."""
