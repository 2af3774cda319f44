"""Devices, jobs, progress bars and command exit codes."""
