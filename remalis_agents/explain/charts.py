"""Charts and tables of the page that stand still."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remalis_agents.demo.charts import ticks
from remalis_agents.explain.figures import Beliefs, moving_mean
from remalis_agents.explain.words import clock, percent

WINDOW = 10
"""Steps over which a curve is averaged."""
_e = html.escape
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 1000, 270, 46, 14, 12, 30


def belief_curve(found: Beliefs, step_s: float | None) -> str:
    """How many beliefs were right in each step, and lately, beside chance and the commonest sub-goal."""
    right, counts = found.share(found.right, (1, 2)), found.counted.sum((1, 2)).astype(np.float64)
    steps = len(right)
    across, up = (_WIDTH - _LEFT - _RIGHT) / max(steps - 1, 1), _HEIGHT - _TOP - _BOTTOM

    def at(step: float, share: float) -> tuple[float, float]:
        return _LEFT + step * across, _TOP + (1.0 - share) * up

    parts = [_level(at(0, share)[1], f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for tick in ticks(0, steps - 1, 8):
        if tick == int(tick):
            time = clock(int(tick), step_s)
            text = f"{int(tick)} ({time})" if time else f"{int(tick)}"
            x = at(tick, 0)[0]
            parts.append(f'<text class="soft" x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{text}</text>')
    for step in np.flatnonzero(counts).tolist():
        x, y = at(step, right[step])
        parts.append(f'<circle class="raw" cx="{x:.1f}" cy="{y:.1f}" r="2.4"/>')
    for name, beside in (("chance", found.chance), ("commonest", found.commonest)):
        y = at(0, float(found.share(beside)))[1]
        parts.append(f'<line class="level {name}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    lately = moving_mean(right, counts, WINDOW)
    known = np.flatnonzero(np.isfinite(lately)).tolist()
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(step, lately[step]) for step in known))
    parts.append(f'<polyline class="mean" points="{points}"/>')
    return _svg(parts, f"Share of beliefs that were right, step by step, mean over {WINDOW} steps") + _keys(found)


def _level(y: float, text: str) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="soft" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    )


def _keys(found: Beliefs) -> str:
    """What the lines are, below the chart: beside them it would be out of sight on a narrow screen."""
    shares = [percent(float(found.share(one))) for one in (found.right, found.commonest, found.chance)]
    return (
        f'<div class="legend"><span style="color:var(--accent)"><i class="key"></i>beliefs, mean over {WINDOW} steps; '
        f"in all {shares[0]}</span>"
        f'<span style="color:var(--warm)"><i class="key level"></i>always the commonest, {shares[1]}</span>'
        f'<span><i class="key level"></i>chance, {shares[2]}</span></div>'
    )


def _svg(parts: Sequence[str], title: str) -> str:
    return (
        f'<div class="scroll"><svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{_e(title)}">'
        f"{''.join(parts)}</svg></div>"
    )


def heat_map(matrix: NDArray[Any], names: Sequence[str], counts: bool) -> str:
    """A square table, coloured by share of its row; rows are what was true, columns what it was taken for.

    Args:
        matrix: ``[V, V]``.
        names: V concepts.
        counts: whether the cells are counts, coloured on the scale of their logarithm, or shares.
    """
    shade = np.log1p(matrix) / max(float(np.log1p(matrix).max()), 1e-9) if counts else matrix
    head = "".join(f"<th><div>{_e(name)}</div></th>" for name in names)
    rows = []
    for i, name in enumerate(names):
        empty = not matrix[i].any()
        cells = "".join(
            _cell(float(matrix[i, j]), float(shade[i, j]), counts, i == j, f"{name}, taken for {other}")
            for j, other in enumerate(names)
        )
        rows.append(f'<tr class="{"none" if empty else ""}"><th>{_e(name)}</th>{cells}</tr>')
    return (
        f'<div class="scroll"><table class="heat"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(value: float, shade: float, counts: bool, same: bool, title: str) -> str:
    text = "" if not value else _count(value) if counts else f"{100 * value:.0f}" if value >= 0.005 else "·"
    tint = "23,115,63" if same else "200,80,30"
    style = f"background:rgba({tint},{0.10 + 0.80 * shade:.2f})" if value else ""
    style += ";color:#fff" if value and shade > 0.6 else ""
    said = _count(value) if counts else percent(value, 1)
    return f'<td class="{"same" if same else ""}" style="{style}" title="{_e(title)}: {said}">{text}</td>'


def _count(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:.0f}M"
    return f"{value / 1e3:.0f}k" if value >= 1000 else f"{value:.0f}"


def share_cell(share: float, colour: str = "") -> str:
    """A cell with a share as a number and as a bar."""
    if share != share:
        return '<td class="num">–</td>'
    style = f"width:calc({share:.3f} * (100% - 16px))" + (f";--c:{colour}" if colour else "")
    return f'<td class="num share">{percent(share)}<i style="{style}"></i></td>'


def table(name: str, head: Sequence[tuple[str, str]], rows: Sequence[str]) -> str:
    """A table in its own box: headings with their classes, and rows as HTML."""
    cells = "".join(f'<th class="{kind}">{_e(text)}</th>' for text, kind in head)
    return (
        f'<div class="scroll"><table class="{name}"><thead><tr>{cells}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
