"""What a person sees: plain progress lines, and on a terminal a live table."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live

FILE_WIDTH = 140
"""Of tables that do not go to a terminal."""


class Terminal:
    """Standard output. `quiet` leaves out everything but results."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console.width = FILE_WIDTH

    @property
    def live(self) -> bool:
        """Whether a live table makes sense here."""
        return self._console.is_terminal and not self.quiet

    def say(self, text: str) -> None:
        """One line of progress, flushed at once, never wrapped."""
        if not self.quiet:
            self._console.print(text, markup=False, soft_wrap=True)
            sys.stdout.flush()

    def show(self, result: RenderableType) -> None:
        """A result, shown even when quiet."""
        self._console.print(result)

    @contextmanager
    def table(self) -> Iterator[Live]:
        """A table that is drawn anew on each `update`; what is said meanwhile stands above it."""
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            yield live
