"""The demo's report: one HTML file that needs nothing but itself."""

from __future__ import annotations

import base64
import html
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from remalis_agents.demo.charts import bar_chart, line_chart
from remalis_agents.evaluation import EpisodeResult, Interval, summary

FIGURES = {
    "mean_delay_s": "delay, s",
    "mean_waiting_time_s": "waiting, s",
    "mean_queue_veh": "queue, veh",
    "stops_per_veh": "stops",
    "worst_decile_delay_s": "worst tenth, s",
    "aligned_share": "aligned share",
}

_STYLE = """
:root { color-scheme: light; --ink: #1d2733; --soft: #5b6875; --line: #e3e8ee; --accent: #0b6e99; }
* { box-sizing: border-box; }
body { margin: 0; background: #f6f8fa; color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 880px; margin: 0 auto; padding: 40px 20px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; }
h2 { font-size: 19px; margin: 0 0 4px; }
p { margin: 4px 0 14px; } .soft { color: var(--soft); font-size: 14px; }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 22px 24px; margin: 22px 0; }
svg, video { width: 100%; height: auto; display: block; }
.scroll svg { min-width: 600px; }
video { border-radius: 6px; background: #fff; }
.scroll { overflow-x: auto; background: linear-gradient(90deg, #fff 40%, #fff0) 0/60px 100% no-repeat local,
  linear-gradient(270deg, #fff 40%, #fff0) 100%/60px 100% no-repeat local,
  linear-gradient(90deg, #1d273333, #fff0) 0/14px 100% no-repeat scroll,
  linear-gradient(270deg, #1d273333, #fff0) 100%/14px 100% no-repeat scroll; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: right; padding: 6px 7px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } tr.ours { font-weight: 600; color: var(--accent); }
"""


def write_report(
    path: Path,
    results: Sequence[EpisodeResult],
    curve: Sequence[tuple[float, float]],
    references: Mapping[str, float],
    film: Path | None,
    learned: str,
    seconds: float,
) -> Path:
    """Write the page.

    Args:
        path: the HTML file.
        results: held-out episodes of every controller, the learned one among them.
        curve: seconds of training and mean delay.
        references: mean delay of controllers on the training map.
        film: an mp4 to embed.
        learned: name of the learned controller in ``results``.
        seconds: of training.

    Returns:
        ``path``.
    """
    figures = summary(results)
    delays = {name: own["mean_delay_s"] for name, own in figures.items()}
    programs = {result.controller for result in results if result.own_program}
    episodes = len({result.seed for result in results})
    parts = [
        f"<h1>{_headline(delays, learned)}</h1>",
        f'<p class="soft">Level easy: a 3x3 grid, one vehicle every two seconds, an hour an episode. The team learned '
        f"for {seconds:.0f} s. All play the same {episodes} hours of held-out demand on a held-out map.</p>",
        _section(
            "Delay on held-out demand",
            "Seconds lost by a vehicle, on average, with the 95% interval over episodes; shorter is better. "
            "Hatched bars run a signal program of their own instead of choosing among the team's phases.",
            f'<div class="scroll">{bar_chart(delays, learned, programs)}</div>',
        ),
        _section(
            "Learning",
            "Mean delay of the training episodes, which still explore. The dashed lines are controllers on the same "
            "map, the one that is trained on.",
            f'<div class="scroll">{line_chart(curve, references)}</div>',
        ),
    ]
    if film is not None:
        parts.append(_section("The learned team at work", "Four minutes in half a minute.", _video(film)))
    parts.append(_section("All figures", "Mean ± half of the 95% interval.", _table(figures, learned)))
    parts.append(f'<p class="soft">{html.escape(_made_with())}</p>')
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>remalis: traffic demo</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )
    path.write_text(page, encoding="utf-8")
    return path


def _headline(delays: dict[str, Interval], learned: str) -> str:
    """What the figures say, whatever they say."""
    others = {name: delay for name, delay in delays.items() if name != learned}
    best = min(others, key=lambda name: others[name].mean)
    ours, rival, name = delays[learned], others[best], html.escape(best.replace("_", " "))
    if ours.high < rival.low:
        return f"The learned team beats every other: {ours.mean:.1f} s of delay, {name} {rival.mean:.1f} s"
    if ours.low > rival.high:
        return f"{name.capitalize()} is ahead: {rival.mean:.1f} s of delay, the learned team {ours.mean:.1f} s"
    return f"The learned team and {name} are level: {ours.mean:.1f} s and {rival.mean:.1f} s of delay"


def _section(title: str, text: str, body: str) -> str:
    return f'<section>\n<h2>{html.escape(title)}</h2>\n<p class="soft">{html.escape(text)}</p>\n{body}\n</section>'


def _video(film: Path) -> str:
    data = base64.b64encode(film.read_bytes()).decode("ascii")
    return f'<video controls muted loop playsinline autoplay src="data:video/mp4;base64,{data}"></video>'


def _table(figures: dict[str, dict[str, Interval]], learned: str) -> str:
    head = "".join(f"<th>{html.escape(title)}</th>" for title in ("controller", *FIGURES.values()))
    rows = []
    for name in sorted(figures, key=lambda name: figures[name]["mean_delay_s"].mean):
        cells = "".join(f"<td>{_cell(figures[name], figure)}</td>" for figure in FIGURES)
        rows.append(
            f"<tr{' class=ours' if name == learned else ''}><td>{html.escape(name.replace('_', ' '))}</td>{cells}</tr>"
        )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _cell(own: dict[str, Interval], figure: str) -> str:
    if figure not in own:
        return ""
    digits = 2 if own[figure].mean < 10 else 0 if own[figure].mean >= 1000 else 1
    return f"{own[figure].mean:.{digits}f} ± {own[figure].half_width:.{digits}f}"


def _made_with() -> str:
    packages = ("remalis", "eclipse-sumo", "ray", "torch")
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in packages)
    return f"Made by `remalis demo` with {versions}, Python {platform.python_version()}."
