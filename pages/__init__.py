"""Pages of the dashboard: widgets and calls, no numerics."""
