"""Changing documents that others change too: read, decide, write if nobody else wrote meanwhile, else look again."""

from collections.abc import Callable, Mapping

from functions.core.ports import Document, Store, Write
from functions.core.row import Row
from functions.errors import Conflict, FleetlineError, Unavailable

TRIES = 8
Change = Callable[[Row | None], Row | None]
"""What to write into a document, given what stands there (None: no document); None to leave it alone."""


async def revise(store: Store, changes: Mapping[str, Change]) -> dict[str, Row]:
    """Apply a change to each document, under an update mask of just the fields it gives; what was written, by path.

    A change may be asked several times, and must depend on nothing but what stands there. Raises Unavailable when
    others were faster every time.
    """
    left, written = dict(changes), dict[str, Row]()
    for _ in range(TRIES):
        if not left:
            break
        there = await store.get(list(left))
        writes = [
            write for path, change in left.items() if (write := _write(path, change, there.get(path))) is not None
        ]
        results = await store.write(writes) if writes else []
        left = {}
        for write, result in zip(writes, results, strict=True):
            if isinstance(result, Conflict):
                left[write.path] = changes[write.path]
            elif isinstance(result, FleetlineError):
                raise result
            else:
                written[write.path] = dict(write.fields or {})
    if left:
        raise Unavailable(f"{len(left)} documents were written by others {TRIES} times over")
    return written


def _write(path: str, change: Change, there: Document | None) -> Write | None:
    fields = change(there.fields if there else None)
    return Write(path, fields, there.version if there else False, only=list(fields)) if fields else None
