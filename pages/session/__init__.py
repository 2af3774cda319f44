"""One person's state: case, settings, uploads, snapshots, links."""
