"""The dashboard as people use it: a real browser at a real plant."""
