"""The end of a run as a table people want to look at."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from emulator import trips
from emulator.contracts import Contracts, Workers, contracts, shifts
from emulator.exports import ExportFolder
from emulator.faults import SHOWS_AS
from emulator.findings import Fault, found, reasons
from emulator.ledger import Ledger
from emulator.plant import Plant
from emulator.report import Report
from functions.core.plural import plural

MOST_REASONS = 10
FIRST_WIDTH = 15
"""Of the first column of every table, so that they stand under one another."""


class Aside(NamedTuple):
    """What people see beside the report: workers, contracts by line, faults as injected and as found, and why events
    could not be read."""

    workers: Workers
    contracts: dict[str, Contracts]
    injected: Counter[Fault]
    found: Counter[Fault]
    reasons: Counter[tuple[str, str]]


def aside(
    exports: ExportFolder, ledger: Ledger, workers: Workers, injected: Counter[Fault], driven_until: datetime | None
) -> Aside:
    """All from files and Firestore; faults are looked for where some were injected."""
    seen = found(exports, ledger, driven_until) if injected else Counter[Fault]()
    return Aside(workers, contracts(shifts(exports), workers), injected, seen, reasons(exports))


def drawn(report: Report, aside: Aside, plant: Plant) -> RenderableType:
    """Books, classes, lines, faults and verdict of one run."""
    parts: list[RenderableType] = [_books(report), _lines(report, aside), _latency(report)]
    parts += [_classes(report), _note("Firestore", _counted(report.firestore))]
    if report.alerts.opened or report.alerts.withdrawn:
        parts += [_alerts(report), *_people(report)]
    if aside.injected:
        parts.append(_faults(aside))
    elif aside.reasons:
        parts.append(_reasons(aside.reasons))
    parts.append(Text(f"mails: {plant.mail.mails} in {plant.mail.folder}\nexports: {plant.exports}"))
    parts.append(_verdict(report))
    return Group(*parts)


def _books(report: Report) -> Table:
    table = _table("books", "events", "")
    table.add_row("published", f"{report.published:,}", "distinct events")
    table.add_row("repeated", f"{report.repeated:,}", "events sent again")
    table.add_row("committed", f"{report.committed:,}", f"in the files as readings, {report.late:,} of them late")
    table.add_row("quarantined", f"{report.quarantined:,}", "could not be read, kept with the reason")
    table.add_row("lost", f"{report.lost:,}", "in no file", style=_alarm(report.lost))
    table.add_row(
        "duplicated", f"{report.duplicated:,}", "more than once in the files", style=_alarm(report.duplicated)
    )
    return table


def _lines(report: Report, aside: Aside) -> Table:
    table = _table("line", "active", "silent", "ended", "contracts ended", "signed again", "backlog")
    for line, backlog in report.backlog.items():
        status, counts = aside.workers.status[line], aside.contracts[line]
        cells = (status["active"], status["silent"], status["ended"], counts.ended, counts.signed_again, backlog)
        table.add_row(line, *(f"{cell:,}" for cell in cells))
    return table


def _latency(report: Report) -> Text:
    p50, p99 = (f"{report.latency_ms[name]:,.0f} ms" for name in ("p50", "p99"))
    return _note("answered after", f"p50 {p50}, p99 {p99} from publishing")


def _classes(report: Report) -> Table:
    table = _table("class", "rows exported")
    for pclass, rows in report.exported.items():
        table.add_row(pclass, f"{rows:,}")
    return table


def _alerts(report: Report) -> Table:
    table = _table("alert", "opened", "closed", "withdrawn")
    alerts = report.alerts
    for kind in sorted(alerts.opened.keys() | alerts.withdrawn.keys()):
        table.add_row(
            kind, *(f"{by_kind.get(kind, 0):,}" for by_kind in (alerts.opened, alerts.closed, alerts.withdrawn))
        )
    return table


def _people(report: Report) -> Iterator[Text]:
    """What alerts made people and vehicles do."""
    yield _note("deliveries", _counted(report.deliveries))
    for command, states in report.commands.items():
        yield _note(f"{command} ordered", f"{sum(states.values()):,}: {_counted(states)}")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "none"


def _faults(aside: Aside) -> Table:
    table = _table("line", "fault", "injected", "found", "")
    table.columns[1].justify = "left"
    for fault in sorted(aside.injected.keys() | aside.found.keys()):
        injected, seen = aside.injected[fault], aside.found[fault]
        shows_as = SHOWS_AS[fault.kind.split(":")[0]]
        style = None if injected == seen else "yellow"
        table.add_row(fault.line, fault.kind, f"{injected:,}", f"{seen:,}", shows_as, style=style)
    return table


def _reasons(reasons: Counter[tuple[str, str]]) -> Table:
    """Why events could not be read, the most frequent reasons first."""
    table = _table("line", "quarantined", "")
    for (line, why), count in reasons.most_common(MOST_REASONS):
        table.add_row(line, f"{count:,}", why)
    if len(reasons) > MOST_REASONS:
        table.add_row("", "", f"and {plural(len(reasons) - MOST_REASONS, 'reason')} more")
    return table


def _verdict(report: Report) -> Text:
    rate = report.published / report.seconds if report.seconds else 0.0
    text = f"{plural(report.published, 'event')} in {report.seconds:.1f} s ({rate:,.0f}/s) on {report.backend}: "
    if report.sound:
        return Text(text + "nothing lost, nothing doubled", style="bold green")
    return Text(text + f"{report.lost:,} lost, {report.duplicated:,} doubled", style="bold red")


def _alarm(count: int) -> str | None:
    return "bold red" if count else None


def _note(name: str, said: str) -> Text:
    return Text(f"{name:<{FIRST_WIDTH + 2}}{said}", style="dim")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(
            column,
            justify="left" if number == 0 or not column else "right",
            min_width=FIRST_WIDTH if number == 0 else 0,
        )
    return table


def day(exports: Path) -> Table:
    """What a dispatcher asks after a day: who drove how far, and stood where."""
    told = trips.told(exports)
    table = Table(
        *told.columns, box=None, pad_edge=False, collapse_padding=True, header_style="bold", caption=told.note or None
    )
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for row in told.rows:
        table.add_row(*row)
    return table
