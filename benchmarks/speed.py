"""Speed of the environments, of the trainer and of the ReMALIS network, beside others.

``python benchmarks/speed.py traffic|trainer|remalis|web [--quick] [--only SECTION] [--out FILE]``
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from circumstances import circumstances
from remalis_speed import sections as remalis
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from traffic_speed import report, runner, sections
from traffic_speed.growth import growth
from trainer_speed import sections as trainer
from web_speed import sections as web

RESULTS = Path(__file__).resolve().parent / "results"
Runner = Callable[[sections.Plan, runner.Progress], dict[str, Any]]
SECTIONS: dict[str, Runner] = {
    "16 signals": lambda plan, rows: sections.beside_others("grid4x4", plan, rows),
    "64 signals": lambda plan, rows: sections.beside_others("grid8x8", plan, rows),
    "174 signals": lambda plan, rows: sections.beside_others("irregular174", plan, rows),
    "meso": sections.meso,
    "reset": sections.resets,
    "several at once": sections.workers,
    "growth": growth,
}
TRAINER: dict[str, Runner] = {
    "beside RLlib": trainer.beside_rllib,
    "overhead": trainer.overhead,
    "shares": trainer.shares,
    "runners": trainer.runners,
}
REMALIS: dict[str, Runner] = {
    "acting": remalis.acting,
    "training": remalis.training,
    "paper": remalis.paper,
}
WEB: dict[str, Runner] = {
    "small page": web.small,
    "large page": web.large,
    "tabs": web.tabs,
    "resets": web.resets,
    "oracle": web.oracle,
    "model": web.model,
    "environments": web.environments,
}
FAMILIES = {"traffic": SECTIONS, "trainer": TRAINER, "remalis": REMALIS, "web": WEB}
WORDS = {"remalis": remalis.RATIOS, "web": web.RATIOS}
QUICK = ("16 signals", "meso", "reset", "several at once", "growth")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; 0 once all was measured, whatever the figures are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family", choices=list(FAMILIES))
    parser.add_argument("--quick", action="store_true", help="a short run that tries every part; its times mean little")
    every = [name for known in FAMILIES.values() for name in known]
    parser.add_argument("--only", action="append", choices=every, help="a section; may be given several times")
    parser.add_argument("--out", type=Path, help="JSON file (default: benchmarks/results/speed_<family>.json, "
                        "in a quick run none)")  # fmt: skip
    given = parser.parse_args(arguments)
    known = FAMILIES[given.family]
    names = given.only or (QUICK if given.quick and known is SECTIONS else tuple(known))
    for name in names:
        if name not in known:
            parser.error(f"{name!r} is no section of {given.family}; its sections are {', '.join(known)}")
    result = circumstances("speed.py", sys.argv[1:] if arguments is None else arguments)
    result |= {"quick": given.quick, "ratios": WORDS.get(given.family, report.RATIOS)}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # as an error is: with all its processes
    begun = time.monotonic()
    result["sections"] = _run(known, names, sections.Plan(given.quick))
    if given.quick:
        for section in result["sections"].values():
            for figure in section["figures"]:
                figure["met"] = None
    result["took_s"] = round(time.monotonic() - begun)
    console = Console(width=None if sys.stdout.isatty() else 130)
    report.show(result, console)
    for section in result["sections"].values():
        if "skipped" in section:
            console.print(section["skipped"], style="dim")
    out = given.out or (None if given.quick else RESULTS / f"speed_{given.family}.json")
    if out is not None:
        report.write(result, out)
        console.print(f"written: {out}")
        if "growth" in result["sections"]:
            report.plot_growth(result["sections"]["growth"]["rows"], out.with_name(out.stem + "_scaling.png"))
    return 0


class _Rows:
    """A row of the display for each section."""

    def __init__(self, display: Progress, name: str) -> None:
        self._display, self._name = display, name
        self._row, self._total = display.add_task(name, total=None, doing="waiting"), 0

    def expect(self, count: int) -> None:
        self._total += count
        self._display.update(self._row, total=self._total)

    def begin(self, label: str) -> None:
        self._display.update(self._row, doing=label)

    def end(self) -> None:
        self._display.update(self._row, advance=1, doing="")


def _run(known: dict[str, Runner], names: tuple[str, ...] | list[str], plan: sections.Plan) -> dict[str, Any]:
    columns = (
        TextColumn("{task.description:16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}"),
    )  # fmt: skip
    found: dict[str, Any] = {}
    with Progress(*columns, console=Console(stderr=True)) as display:
        rows = {name: _Rows(display, name) for name in names}
        for name in names:
            rows[name].begin("starting")
            found[name] = known[name](plan, rows[name])
    return found


if __name__ == "__main__":
    sys.exit(main())
