"""The page's drawings as SVG text; colours are variables of the page's style, so they follow light and dark."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from leaderboard.wording import name, number
from remalis_agents.demo.charts import ticks

COLOURS = 10
_W, _H, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 360, 56, 150, 12, 42
_LABEL_STEP = 16.0


def colours(methods: Sequence[str]) -> dict[str, str]:
    """Method -> style that gives it a colour, and a dash where colours repeat."""
    dashes = ("none", "7 3", "2 3")
    return {
        method: f"--c:var(--c{k % COLOURS});--dash:{dashes[(k // COLOURS) % 3]}" for k, method in enumerate(methods)
    }


def interval_plot(row: Mapping[str, Any], low: float, high: float, reference: float | None) -> str:
    """A dot with its interval on a track that all rows of a table share; an arrow where it lies beyond."""
    width, height, pad = 150, 20, 8

    def at(value: float) -> float:
        return pad + (width - 2 * pad) * min(max((value - low) / max(high - low, 1e-9), 0.0), 1.0)

    one, middle = row["mean"], height / 2
    parts = [f'<line class="track" x1="{pad}" x2="{width - pad}" y1="{middle}" y2="{middle}"/>']
    if reference is not None:
        x = at(reference)
        parts.append(f'<line class="reference" x1="{x:.1f}" x2="{x:.1f}" y1="1" y2="{height - 1}"/>')
    x = at(one["value"])
    if one["value"] > high:
        parts.append(f'<path class="mark" d="M{width - 9} {middle - 5} l7 5 l-7 5 z"/>')
    else:
        if not math.isnan(one["low"]):
            a, b = at(one["low"]), at(one["high"])
            parts.append(f'<line class="whisker" x1="{a:.1f}" x2="{b:.1f}" y1="{middle}" y2="{middle}"/>')
        parts.append(f'<circle class="mark" cx="{x:.1f}" cy="{middle}" r="4.2"/>')
    return f'<svg class="dots" viewBox="0 0 {width} {height}" aria-hidden="true">{"".join(parts)}</svg>'


def track(table: Mapping[str, Any]) -> tuple[float, float]:
    """What the interval plots of a table span: every good row whole; the worst may lie beyond."""
    shown = [row["mean"] for row in table["rows"] if row.get("mean")]
    if table["chance"] is not None:
        return 0.0, 1.0
    values = [one["value"] for one in shown] + [v for one in shown for v in (one["low"], one["high"]) if v == v]
    low, high = min(values), max(values)
    if not table["higher_is_better"]:
        reference = [row["mean"]["value"] for row in table["rows"] if row["method"] == table["reference"]]
        high = min(high, 1.35 * max([*reference, min(one["value"] for one in shown)]))
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def learning_curves(table: Mapping[str, Any], styles: Mapping[str, str]) -> str:
    """Means over runs with intervals, single runs as thin lines, controllers as dashed levels."""
    rows = [row for row in table["rows"] if row.get("curve") and row["curve"]["band"]]
    if not rows:
        return '<p class="soft">No training has a curve yet.</p>'
    levels = {row["method"]: row["mean"]["value"] for row in table["rows"] if not row["learned"] and row.get("mean")}
    if table["chance"] is not None:
        levels["chance"] = table["chance"]
    low, high = _span(rows, levels, table)
    last = max(point[0] for row in rows for run in row["curve"]["runs"] for point in run)
    across, up = (_W - _LEFT - _RIGHT) / last, (_H - _TOP - _BOTTOM) / (high - low)

    def at(steps: float, value: float) -> str:
        return f"{_LEFT + steps * across:.1f},{_TOP + (high - value) * up:.1f}"

    clip = "clip-" + "".join(c if c.isalnum() else "-" for c in f"{table['task']}-{table['budget']}")
    frame = f'<rect x="{_LEFT}" y="{_TOP}" width="{_W - _LEFT - _RIGHT}" height="{_H - _TOP - _BOTTOM}"/>'
    parts = [f'<clipPath id="{clip}">{frame}</clipPath>', *_axes(table, low, high, last, across, up)]
    labels: list[tuple[float, str, str]] = []
    for who, level in levels.items():
        if low <= level <= high and who in ("max_pressure", "fixed_time", "chance"):
            y = _TOP + (high - level) * up
            parts.append(f'<line class="level" x1="{_LEFT}" x2="{_W - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            labels.append((y, f'<tspan class="soft">{html.escape(name(who))}</tspan>', ""))
    for row in rows:
        band, group = row["curve"]["band"], [f'<g class="curve" data-m="{html.escape(row["method"])}">']
        group[0] = group[0].replace("<g ", f'<g style="{styles[row["method"]]}" ')
        if len(row["curve"]["runs"]) > 1:
            edge = [at(p[0], p[2]) for p in band] + [at(p[0], p[3]) for p in reversed(band)]
            group.append(f'<polygon class="band" points="{" ".join(edge)}"/>')
            for run in row["curve"]["runs"]:
                group.append(f'<polyline class="run" points="{" ".join(at(*point) for point in run)}"/>')
        group.append(f'<polyline class="mean" points="{" ".join(at(p[0], p[1]) for p in band)}"/></g>')
        parts.append(f'<g clip-path="url(#{clip})">{"".join(group)}</g>')
        end = min(max(band[-1][1], low), high)
        labels.append((_TOP + (high - end) * up, html.escape(name(row["method"])), row["method"]))
    parts += _labels(labels, styles, across * last)
    label = html.escape(f"Learning curves, {table['title']}")
    return f'<svg class="curves" viewBox="0 0 {_W} {_H}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _span(rows: Sequence[Any], levels: Mapping[str, float], table: Mapping[str, Any]) -> tuple[float, float]:
    """What is shown: where the curves end, and about as much again of where they come from."""
    if table["chance"] is not None:
        return 0.0, 1.02
    ends = [row["curve"]["band"][-1][1] for row in rows]
    every = [point[1] for row in rows for point in row["curve"]["band"]]
    reference = [levels[table["reference"]]] if table["reference"] in levels else []
    low, high = min([*every, *reference]), max([*every, *reference])
    if not table["higher_is_better"]:
        high = min(high, max(2.0 * max([*reference, low]), 1.1 * max(ends)))
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def _axes(table: Any, low: float, high: float, last: float, across: float, up: float) -> list[str]:
    parts = []
    for tick in ticks(low, high):
        y = _TOP + (high - tick) * up
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_W - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        label = f"{tick:g} {table['unit']}".strip()
        parts.append(f'<text class="soft" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for tick in ticks(0.0, last):
        x = _LEFT + tick * across
        label = f"{tick / 1000:g}k" if last >= 2000 else f"{tick:g}"
        parts.append(f'<text class="soft" x="{x:.1f}" y="{_H - 22}" text-anchor="middle">{label}</text>')
    middle = (_LEFT + _W - _RIGHT) / 2
    parts.append(f'<text class="soft" x="{middle}" y="{_H - 4}" text-anchor="middle">team steps of training</text>')
    return parts


def _labels(labels: Sequence[tuple[float, str, str]], styles: Mapping[str, str], width: float) -> list[str]:
    """Names at the right end, kept apart, with a thread to where they belong."""
    ordered = sorted(labels)
    room = _H - _TOP - 4
    step = min(_LABEL_STEP, room / max(len(ordered), 1))
    places = [y for y, _, _ in ordered]
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + step)
    over = places[-1] - (_H - 8) if places else 0.0
    if over > 0:
        places[-1] -= over
        for k in range(len(places) - 2, -1, -1):
            places[k] = min(places[k], places[k + 1] - step)
    x, parts = _LEFT + width, []
    for (y, text, method), place in zip(ordered, places, strict=True):
        style = f' style="{styles[method]}"' if method else ""
        parts.append(
            f'<g class="label{"" if method else " level-label"}"{style} data-m="{html.escape(method)}">'
            f'<path d="M{x + 3:.1f} {y:.1f} L{x + 16:.1f} {place:.1f}"/>'
            f'<text x="{x + 20:.1f}" y="{place + 4:.1f}">{text}</text></g>'
        )
    return parts


def improvement_cell(one: Mapping[str, float]) -> str:
    """A table cell whose shade says how probable a win is."""
    value = one["value"]
    side, strength = ("win", value - 0.5) if value >= 0.5 else ("lose", 0.5 - value)
    return f'<td class="{side}" style="--s:{200 * strength:.0f}%">{number(value)}</td>'
