"""Readers and writers; every file passes a gate before a voxel is read."""
