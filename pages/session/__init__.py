"""State of one user: case, settings, uploads, snapshots, links."""
