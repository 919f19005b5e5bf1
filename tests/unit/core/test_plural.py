"""One of a thing is not several."""

from functions.core.plural import plural


def test_only_one_is_singular() -> None:
    assert [plural(count, "event") for count in (0, 1, 2, 1234)] == ["0 events", "1 event", "2 events", "1,234 events"]
