"""How figures, names and verdicts are said, in the same words on the page and in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

TITLES = {
    "mean_delay_s": "mean delay",
    "right_share": "right answers",
    "success": "tasks solved",
    "team_return": "team return",
    "mean_waiting_time_s": "waiting, s",
    "mean_queue_veh": "queue, veh",
    "worst_decile_delay_s": "worst tenth, s",
}
VERDICTS = {
    "beats": "beats max pressure",
    "level": "fails to beat it: level",
    "worse": "fails to beat it: worse",
    "reference": "the reference",
    "solved": "solved",
    "at chance": "at chance",
    "between": "better than chance, not solved",
}
STATES = {"missing": "missing", "failed": "failed", "partial": "some runs missing or failed", "done": ""}


def name(method: str) -> str:
    """A method, a variant of one, or a controller for people."""
    return method.replace("_", " ").replace("/", ", ")


def number(value: float | None) -> str:
    """Three significant digits or so; a dash where there is nothing."""
    if value is None or math.isnan(value):
        return "–"
    size = abs(value)
    digits = 3 if size < 1 else 2 if size < 100 else 1 if size < 1000 else 0
    return f"{value:,.{digits}f}".replace("-", "−")


def estimate(one: Mapping[str, float] | None) -> str:
    """``23.1 [22.8, 23.5]``."""
    if one is None:
        return "–"
    low, high = one["low"], one["high"]
    known = low is not None and not math.isnan(low)
    return number(one["value"]) + (f" [{number(low)}, {number(high)}]" if known else "")


def title(table: Mapping[str, Any]) -> str:
    """Of a table, with the budget."""
    budget = f" · {table['budget']:,} team steps" if table["budget"] is not None else ""
    return f"{table['title']}{budget}"


def headline(table: Mapping[str, Any]) -> str:
    """What a table says, in a sentence or two."""
    learned = [row for row in table["rows"] if row["learned"] and row.get("mean")]
    lacking = [row for row in table["rows"] if not row.get("mean")]
    parts = []
    if learned and table["chance"] is not None:
        for verdict in ("solved", "between", "at chance"):
            who = [name(row["method"]) for row in learned if row["verdict"] == verdict]
            if who:
                parts.append(f"{VERDICTS[verdict].capitalize()}: {', '.join(who)}.")
    elif learned and table["reference"]:
        good = [name(row["method"]) for row in learned if row["verdict"] == "beats"]
        bad = [name(row["method"]) for row in learned if row["verdict"] in ("level", "worse")]
        parts.append(f"{len(good)} of {len(learned)} learned methods beat max pressure" + _list(good) + ".")
        unsure = [name(row["method"]) for row in learned if row["verdict"] is None]
        if unsure:
            parts.append(f"Too few episodes to say: {', '.join(unsure)}.")
        if bad:
            parts.append(f"Failing to beat it: {', '.join(bad)}.")
    elif learned:
        parts.append(f"Best: {name(learned[0]['method'])}.")
    if lacking:
        parts.append(f"Without a result: {', '.join(name(row['method']) for row in lacking)}.")
    return " ".join(parts)


def _list(names: list[str]) -> str:
    return f" ({', '.join(names)})" if names else ""


def protocol(table: Mapping[str, Any]) -> str:
    """How a table came to be."""
    seeds = table["seeds"]
    better = "more is better" if table["higher_is_better"] else "less is better"
    trained = f"trained for {table['budget']:,} team steps, final policy played" if table["budget"] else "played"
    return (
        f"Every method {trained} on the same {len(seeds)} held-out episodes (test split, seeds {seeds[0]} to "
        f"{seeds[-1]}). {TITLES.get(table['figure'], table['figure']).capitalize()}"
        f"{', ' + table['unit'] if table['unit'] else ''}: {better}. Brackets are 95% bootstrap intervals over "
        "training seeds, or over episodes where there is one run."
    )


FEW_RUNS = 20
"""Training runs below which intervals are called too narrow. Drawn from a normal distribution, 95% percentile bootstrap
intervals of a mean hold the true one 71% of the time with 3 runs, 83% with 5, 90% with 10 and 92% with 20."""


def caution(rows: Iterable[Mapping[str, Any]]) -> str:
    """What to think of intervals over so few training runs, in a sentence; "" where none are over few.

    Args:
        rows: of methods and controllers, each with ``learned`` and its ``runs``.
    """
    return few_runs(sum(run["status"] == "done" for run in row["runs"]) for row in rows if row["learned"])


def few_runs(counts: Iterable[int]) -> str:
    """As :func:`caution`, from the number of training runs of each method on a task."""
    there = [count for count in counts if count]
    if not there or min(there) >= FEW_RUNS:
        return ""
    fewest, most = min(there), max(there)
    if most == 1:
        return "With 1 training run a method, intervals are over its episodes and say nothing of other training seeds."
    return (
        f"With {fewest if fewest == most else f'{fewest} to {most}'} training runs a method, bootstrap intervals are "
        "optimistic: they are narrower than what new training seeds would show, so a small gap may be chance."
    )
