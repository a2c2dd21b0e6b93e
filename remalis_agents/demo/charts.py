"""The report's charts as SVG text, small enough to read and to embed."""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Mapping, Sequence

from remalis_agents.evaluation import Interval

_INK, _SOFT, _LINE, _ACCENT, _BAR = "#1d2733", "#5b6875", "#e3e8ee", "#0b6e99", "#a9b8c6"
_COLOURS = ("#c0562b", "#7a5195", "#3f7d3a", "#8a6d00")
_FONT = 'font-family="system-ui, Segoe UI, Roboto, sans-serif"'


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = _SOFT, size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}" {_FONT}>'
        f"{html.escape(text)}</text>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0, dash: str = "") -> str:
    style = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}"{style}/>'
    )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values that divide [low, high] into about ``about`` parts."""
    rough = max(high - low, 1e-9) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def bar_chart(delays: Mapping[str, Interval], learned: str, programs: Collection[str]) -> str:
    """Horizontal bars with intervals, the shortest at the top.

    Args:
        delays: by controller.
        learned: the controller to stress.
        programs: controllers to be hatched.
    """
    names = sorted(delays, key=lambda name: delays[name].mean)
    left, right, step, width = 120, 90, 34, 820
    top = max(delays[name].high if math.isfinite(delays[name].half_width) else delays[name].mean for name in names)
    scale = (width - left - right) / top
    height = 14 + step * len(names) + 26
    parts = [
        '<defs><pattern id="own" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="7" height="7" fill="#dfe6ec"/><rect width="3" height="7" fill="{_BAR}"/></pattern></defs>'
    ]
    for tick in ticks(0.0, top):
        x = left + tick * scale
        parts += [_line(x, 8, x, height - 24, _LINE), _text(x, height - 8, f"{tick:g} s", "middle")]
    for row, name in enumerate(names):
        delay, y = delays[name], 14 + row * step
        fill = _ACCENT if name == learned else "url(#own)" if name in programs else _BAR
        end, middle = left + delay.mean * scale, y + 11
        parts.append(f'<rect x="{left}" y="{y}" width="{delay.mean * scale:.1f}" height="22" rx="3" fill="{fill}"/>')
        parts.append(_text(left - 10, middle + 5, name.replace("_", " "), "end", _INK))
        half = delay.half_width * scale if math.isfinite(delay.half_width) else 0.0
        parts.append(_line(end - half, middle, end + half, middle, _INK, 1.4))
        parts += [_line(end + side, middle - 5, end + side, middle + 5, _INK, 1.4) for side in (-half, half)]
        parts.append(_text(end + half + 8, middle + 5, f"{delay.mean:.1f} s", colour=_INK))
    return _svg(width, height, parts, "Bar chart of mean delay by controller")


def line_chart(curve: Sequence[tuple[float, float]], references: Mapping[str, float]) -> str:
    """A learning curve with horizontal lines for comparison.

    Args:
        curve: (seconds, delay) points.
        references: delay by name.
    """
    if not curve:
        return '<p class="soft">No episode ended within the training.</p>'
    width, height, left, right, bottom = 820, 300, 56, 128, 40
    values = [delay for _, delay in curve] + list(references.values())
    low, high = 0.9 * min(values), 1.05 * max(values)
    end = max(seconds for seconds, _ in curve)
    across, up = (width - left - right) / max(end, 1e-9), (height - bottom - 14) / (high - low)

    def at(seconds: float, delay: float) -> tuple[float, float]:
        return left + seconds * across, 14 + (high - delay) * up

    parts = []
    for tick in ticks(low, high):
        y = at(0.0, tick)[1]
        parts += [_line(left, y, width - right, y, _LINE), _text(left - 8, y + 4, f"{tick:g} s", "end")]
    for tick in ticks(0.0, end):
        parts.append(_text(at(tick, low)[0], height - 18, f"{tick:g}", "middle"))
    parts.append(_text((left + width - right) / 2, height - 2, "seconds of training", "middle"))
    placed: list[float] = []
    for k, (name, delay) in enumerate(sorted(references.items(), key=lambda item: item[1])):
        y, colour = at(0.0, delay)[1], _COLOURS[k % len(_COLOURS)]
        parts.append(_line(left, y, width - right, y, colour, 1.4, "5 4"))
        label = y + 4
        while any(abs(label - other) < 15 for other in placed):  # names keep apart where lines do not
            label -= 3
        placed.append(label)
        parts.append(_text(width - right + 8, label, name.replace("_", " "), colour=colour))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in curve))
    parts.append(f'<polyline points="{points}" fill="none" stroke="{_ACCENT}" stroke-width="2.4"/>')
    return _svg(width, height, parts, "Learning curve: mean delay against seconds of training")


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    body = "\n".join(parts)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>'
    )
