"""The GPS line's rules on recorded traces: what is true is in the recordings, or computed without the rules."""
