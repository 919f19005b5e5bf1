"""How many of a thing, as people say it."""


def plural(count: int, thing: str) -> str:
    """`1 event`, `1,234 events`."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
