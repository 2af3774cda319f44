"""How maps are shown, in the dashboard and in reports: colours, and orientation of a slice."""
