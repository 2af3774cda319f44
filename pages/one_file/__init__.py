"""The Lab of one case as a single HTML file that works without a server and without a network."""
