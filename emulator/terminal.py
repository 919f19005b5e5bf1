"""What a person sees: plain progress lines, and on a terminal a live table."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

FILE_WIDTH = 140
"""Of tables that do not go to a terminal."""
WORD, NUMBER, TEXT = "word", "number", "text"
"""What a column holds. Text may be wrapped; a word that is cut off would be another word."""


def listing(title: str, columns: Mapping[str, str]) -> Table:
    """A table to fill that a terminal of 80 columns can show; `columns` are what each of them holds."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, collapse_padding=True)
    for name, holds in columns.items():
        table.add_column(name, justify="right" if holds == NUMBER else "left", no_wrap=holds == WORD)
    return table


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
