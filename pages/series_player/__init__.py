"""The 4D player of the Cases page."""
