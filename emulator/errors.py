"""What a person can mend: printed as it stands, without a traceback."""


class EmulatorError(Exception):
    """Something the plant on this machine needs is missing, or did not come up; the text says what to do."""
