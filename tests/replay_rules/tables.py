"""The tables `python3 -m tests.replay_rules` prints, in Markdown."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from tests.replay_rules import fridge, thermometers, workshop


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], note: str = "") -> list[str]:
    lines = [f"**{title}**", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return [*lines, "", note] if note else lines


def nab() -> list[str]:
    rows = []
    for setting in thermometers.settings():
        found = thermometers.found(setting)
        hit = sum(count > 0 for count in found.windows)
        rows.append(
            (
                setting.source,
                f"{setting.name}: {setting.low_f:g}–{setting.high_f:g} °F for {setting.hold_s / 60:g} min",
                f"{hit} of {len(found.windows)}",
                " · ".join(map(str, found.windows)),
                found.outside,
                found.faults,
                found.at_clock_step if setting.source == "machine" else "–",
            )
        )
    columns = ("series", "limits", "windows hit", "alerts in each", "outside", "sensor faults", "at the clock's step")
    return _table("NAB series against their labelled windows", columns, rows)


def flatline() -> list[str]:
    story = thermometers.flatline()
    rows = [(alert["kind"], alert["details"], alert["started_at"]) for alert in story.kept()]
    return _table("NAB flatline, 4,032 times 45.0", ("alert", "details", "started"), rows)


def motes() -> list[str]:
    rows = [
        (
            one.mote,
            f"{one.limit_pct:g} %",
            one.labelled,
            one.inside,
            one.near,
            len(one.episodes),
            ", ".join(f"{alert['started_at']:%H:%M:%S}–{alert['ended_at']:%H:%M:%S}" for alert in one.episodes),
        )
        for limits in (thermometers.HUMIDITY_LIMITS, thermometers.OWN_LIMITS)
        for one in thermometers.motes(limits)
    ]
    columns = ("mote", "humidity limit", "labelled rows", "inside an episode", "within 5 s of one", "episodes", "when")
    return _table("Motes with introduced steam", columns, rows)


def source() -> list[str]:
    rows = []
    for fahrenheit in (90.0, 90.1):
        story = thermometers.hot_hour(fahrenheit)
        messages = {alert["details"].get("message") for alert in story.kept("temperature_high")}
        rows.append((f"{fahrenheit} °F", len(story.rows), len(story.kept("temperature_high")), ", ".join(messages)))
    return _table("demo_90f: an hour at 5 s", ("temperature", "readings", "alerts", "message"), rows)


def fridge_tag() -> list[str]:
    minutes, story = fridge.told()
    agree = sum(round(one.ours) == one.day.warm_minutes for one in minutes)
    worst = max(minutes, key=lambda one: abs(one.ours - one.day.warm_minutes))
    opened = story.kept("temperature_high")
    rows = [
        ("days", len(minutes), ""),
        (
            "alarm 1, > 8 °C: minutes",
            sum(one.day.warm_minutes for one in minutes),
            sum(round(one.ours) for one in minutes),
        ),
        ("days that agree to the minute", "", agree),
        ("largest difference in a day", "", f"{worst.ours - worst.day.warm_minutes:+.0f} min"),
        (
            "alarm 0, ≤ −0.5 °C: minutes",
            sum(one.day.cold_minutes for one in minutes),
            len(story.kept("temperature_low")),
        ),
        ("alerts", "", ", ".join(alert["details"]["rule"] for alert in opened)),
    ]
    return _table("Fridge-tag 2: alarm minutes", ("", "logger", "ours"), rows)


def madison() -> list[str]:
    buses = workshop.buses()
    told: Counter[str] = sum((bus.told for bus in buses), Counter())
    rows = [
        (
            len(buses),
            sum(bus.readings for bus in buses),
            sum(bus.replacements for bus in buses),
            sum(bus.faults for bus in buses),
            " · ".join(f"{status} {told[status]}" for status in ("due_soon", "due", "overdue", "done")),
            sum(bus.false for bus in buses),
        )
    ]
    columns = ("buses", "readings", "replacements", "odometer faults", "services told", "false")
    return _table("Madison odometers, engine every 200,000 miles", columns, rows)


def trouble_codes() -> list[str]:
    taken, found = workshop.codes()
    rows = [(system, *(levels[level] for level in ("severe", "major", "minor"))) for system, levels in found.items()]
    return _table(f"{taken} trouble codes", ("system", "severe", "major", "minor"), rows)


TABLES: tuple[Callable[[], list[str]], ...] = (nab, flatline, motes, source, fridge_tag, madison, trouble_codes)
