"""Reader for NIfTI files and their JSON sidecars."""
