"""Whole plants: real backends, real processes, real files."""
