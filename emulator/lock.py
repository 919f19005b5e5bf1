"""A lock on a file, held by one process of this machine. Standard library only."""

import os
from typing import IO


def locked(file: IO[str], wait: bool = False) -> bool:
    """Lock an open file until it is closed or its process ends, however that ends.

    Where another process holds it: False, or with `wait` once it has let go.
    """
    if os.name == "nt":
        import msvcrt

        try:
            getattr(msvcrt, "locking")(file.fileno(), getattr(msvcrt, "LK_LOCK" if wait else "LK_NBLCK"), 1)  # noqa: B009 mypy on Linux
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
