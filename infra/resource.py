"""A resource as plain data: its name, what it must be like, and the commands that make, change and unmake it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class File:
    """An argument that is the path of a file with this content."""

    name: str
    content: str


@dataclass(frozen=True)
class Output:
    """An argument that is what another command prints."""

    command: "Command"


@dataclass(frozen=True)
class Source:
    """An argument that is the path of the folder to upload."""


@dataclass(frozen=True)
class Existing:
    """An argument that is what Google calls the thing that is there."""


Part = str | File | Output | Source | Existing
Argument = str | tuple[Part, ...]
"""A word of a command, or the parts it is joined from."""
Command = tuple[Argument, ...]
Commands = tuple[Command, ...]


@dataclass(frozen=True)
class Resource:
    """`want` is compared with what the listings say; `kind` and `name` tell which of them it is.

    An empty `update` means that `create` also changes. `lock` names what only one command may change at a time.
    `needs` are kinds and names of what it is lost with: made anew, they come without it, whatever a listing says.
    `kept` resources hold data: destroy leaves them unless it is told to. `fixed` are names of `want` that Google cannot
    change once the thing is there. `sought` is for the script, where a kind has
    no names of its own: what it prints is empty as long as the thing is missing.
    """

    kind: str
    name: str
    create: Commands
    want: Mapping[str, Any] = field(default_factory=dict)
    update: Commands = ()
    delete: Commands = ()
    lock: str = ""
    needs: frozenset[tuple[str, str]] = frozenset()
    kept: bool = False
    fixed: tuple[str, ...] = ()
    sought: Command | None = None


@dataclass(frozen=True)
class Found:
    """A thing that is there: its fields, and what Google calls it."""

    fields: Mapping[str, Any]
    called: str = ""
    restore: Commands = ()
    """What must be done before it can be used again (Google keeps some things for a while after they are deleted)."""


def parts(command: Command) -> Iterator[Part]:
    """Every part of every word."""
    for word in command:
        yield from (word,) if isinstance(word, str) else word


def words(command: Command, resolve: Callable[[Part], str]) -> list[str]:
    """The command with every part resolved."""
    return ["".join(map(resolve, (word,) if isinstance(word, str) else word)) for word in command]


def naming(commands: Commands, called: str) -> Commands:
    """These commands with the thing's own name put where it belongs."""

    def named(word: Argument) -> Argument:
        if isinstance(word, str):
            return word
        return tuple(called if isinstance(part, Existing) else part for part in word)

    return tuple(tuple(named(word) for word in command) for command in commands)


def flags(**values: str | int | None) -> tuple[str, ...]:
    """--name=value of each value that is not None; underscores become dashes."""
    return tuple(f"--{name.replace('_', '-')}={value}" for name, value in values.items() if value is not None)
