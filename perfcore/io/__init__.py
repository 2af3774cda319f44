"""Readers and writers; every header is checked before voxel data are read."""
