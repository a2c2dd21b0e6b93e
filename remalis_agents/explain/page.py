"""One HTML page about an episode: what the team meant, said, believed and confused. It needs nothing but itself."""

from __future__ import annotations

import html
import platform
from importlib import metadata
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remalis_agents.explain import figures
from remalis_agents.explain.charts import belief_curve, heat_map, share_cell, table
from remalis_agents.explain.figures import Beliefs
from remalis_agents.explain.payload import as_json, payload
from remalis_agents.explain.recording import Recording
from remalis_agents.explain.words import CARRIES, INTENDED, INTENDED_LONG, OFTEN, became, percent, played, size, spoken
from remalis_agents.networks.base import BYTES_PER_FLOAT

_PAGE = Path(__file__).resolve().parent / "page"
_SCRIPTS = ("data.js", "timeline.js", "graph.js", "words.js", "main.js")
KIND_COLOURS = (
    "#0b6e99", "#c8501e", "#2f7d3b", "#7d4bb0", "#b8860b", "#c02e6d", "#00857a", "#5a5fd0", "#8a5a3c",
)  # fmt: skip
"""Of types of messages, in the order of the recording; the script has the same."""
SILENT = "This team was trained with communication: none. Nothing crosses from agent to agent."
_e = html.escape


def page(recording: Recording) -> str:
    """The whole page, as text."""
    found = figures.beliefs(recording)
    sections = [
        _header(recording, found),
        _timeline(recording),
        _talk(recording),
        _beliefs(recording, found),
        _concepts(recording),
        _bytes(recording),
        _about(recording),
    ]
    read = {name: (_PAGE / name).read_text(encoding="utf-8") for name in ("page.html", "style.css", *_SCRIPTS)}
    return Template(read["page.html"]).substitute(
        style=read["style.css"],
        sections="\n".join(sections),
        data=as_json(payload(recording)),
        script="\n".join(read[name] for name in _SCRIPTS),
    )


def write_page(recording: Recording, path: Path) -> Path:
    """Writes the page; returns ``path``."""
    path.write_text(page(recording), encoding="utf-8")
    return path


def _section(anchor: str, title: str, text: str, body: str) -> str:
    return f'<section id="s-{anchor}"><h2>{_e(title)}</h2><p class="soft">{_e(text)}</p>{body}</section>'


def _header(recording: Recording, found: Beliefs | None) -> str:
    checkpoint = str(recording.meta.get("checkpoint") or "")
    source = f'<p class="soft path">Checkpoint <code>{_e(checkpoint)}</code></p>' if checkpoint else ""
    stage = str(recording.meta.get("stage") or "")
    return (
        f"<header><h1>What they told each other</h1><p>{_e(played(recording))}</p>"
        f'<p class="soft">{_e(spoken(recording))} {_e(stage)}</p>{source}'
        f'<div class="tiles">{"".join(_tiles(recording, found))}</div></header>'
    )


def _tiles(recording: Recording, found: Beliefs | None) -> list[str]:
    tiles = []
    if found is not None and found.counted.any():
        chance, commonest = (percent(float(found.share(one))) for one in (found.chance, found.commonest))
        beside = f"chance {chance}, always the commonest {commonest}"
        tiles.append(_tile(percent(float(found.share(found.right))), "of beliefs were right", beside))
    plan, meant = (percent(figures.over_all(recording, what)) for what in ("plan", "next_subgoal"))
    tiles.append(_tile(plan, "of plans came true", f"of intentions {meant}"))
    met = figures.concepts_met(recording)
    if met.sum():
        usual = percent(met.sum(1).max() / met.sum())
        right = percent(np.trace(met) / met.sum())
        tiles.append(_tile(right, "of concepts were right", f"always the commonest {usual}"))
    if recording.replanned is not None and recording.forced is not None:
        there = recording.alive
        fired, forced = (float(one[there].mean()) for one in (recording.replanned, recording.forced))
        tiles.append(_tile(percent(fired), "of steps were planned anew", f"{percent(forced)} because the plan was old"))
    total = figures.bytes_by_kind(recording).sum() / recording.steps
    each = total / len(recording.agents)
    tiles.append(_tile(size(total), "said in a step", f"{size(each)} by each agent"))
    return tiles


def _tile(value: str, what: str, beside: str) -> str:
    return f'<div class="tile"><b>{_e(value)}</b><span>{_e(what)}</span><small>{_e(beside)}</small></div>'


def _timeline(recording: Recording) -> str:
    choices = "".join(
        f'<span class="choice"><button data-what="{key}" title="{_e(INTENDED_LONG[key])}">{_e(name)}</button>'
        f"<small>came true in {percent(figures.over_all(recording, key))}</small></span>"
        for key, name in INTENDED.items()
    )
    words = "".join(
        f'<span><i class="chip" data-subgoal="{k}"></i>{_e(name)}</span>'
        for k, name in enumerate(recording.meta["subgoals"])
        if recording.exists[..., k].any()
    )
    marks = '<span><i class="split"></i>above what was meant, below what was served instead</span>'
    if recording.replanned is not None:
        marks += (
            '<span><i class="mark"></i>planned anew, as R called for</span>'
            '<span><i class="mark old"></i>planned anew, the plan being old</span>'
        )
    signals = (
        '<div class="below"><div class="of">E and U<br><b id="whose"></b></div>'
        '<div class="scroll" id="under"><svg id="signals" role="img" aria-label="E and U over time"></svg></div></div>'
    )
    keys = '<span style="color:var(--accent)"><i class="key"></i>uncertainty U, 1 is log V</span>'
    if recording.error is not None:
        keys = '<span style="color:var(--warm)"><i class="key"></i>coordination error E</span>' + keys
    if (recording.misaligned >= 0).any():
        keys += '<span><i class="ring-key"></i>share of pairs that did not fit, by the record</span>'
    body = (
        f'<div class="bar" id="what">{choices}</div><div class="legend">{words}</div><div class="legend">{marks}</div>'
        '<div class="timeline"><div id="agents"></div>'
        '<div class="scroll" id="rows"><svg id="timeline" role="img" aria-label="Intentions over time"></svg></div>'
        f'</div>{signals}<p id="readout"></p><div class="legend">{keys}</div>'
    )
    if recording.replanned is not None:
        body += _replannings()
    text = (
        "Agents as rows, steps as columns; the colour is the sub-goal that is likeliest next. Choose where it is read "
        "from; read a word only as far as its share lies above chance. Click to look at a step and an agent."
    )
    return _section("timeline", "What each meant to do next", text, body)


def _replannings() -> str:
    head = (("step", "num"), ("why", ""), ("E", "num"), ("U", "num"), ("age", "num"), ("plan before", ""))
    cells = "".join(f'<th class="{kind}">{text}</th>' for text, kind in (*head, ("plan after", "")))
    return (
        '<details><summary id="fired"></summary><div class="scroll"><table><thead><tr>'
        f'{cells}</tr></thead><tbody id="replannings"></tbody></table></div></details>'
    )


def _talk(recording: Recording) -> str:
    kinds = "".join(
        f'<button data-kind="{p}" title="{_e(CARRIES.get(name, ""))}"><i class="chip" '
        f'style="background:{KIND_COLOURS[p % len(KIND_COLOURS)]}"></i>{_e(name)}</button>'
        for p, name in enumerate(recording.meta["kinds"])
    )
    steps = (
        '<div class="steps"><button id="play" title="play">▶</button>'
        '<input id="slider" type="range" min="0" max="1" aria-label="step"><span id="when"></span></div>'
    )
    body = (
        f'{steps}<div class="bar" id="kinds">{kinds}</div><div class="talk"><div class="graphbox">'
        '<svg id="graph" role="img" aria-label="Messages between agents"></svg></div><div id="panel"></div></div>'
    )
    text = (
        "An arrow is a bar of the bytes that went along it in this step, by type; the longest arrow of the episode "
        "fills its way. A disc has the colour of the timeline, and a triangle where the agent planned anew. Click an "
        "agent or an arrow for what it thought or said."
    )
    return _section("talk", "Who told whom what", text if recording.meta["kinds"] else SILENT, body)


def _beliefs(recording: Recording, found: Beliefs | None) -> str:
    if found is None or not found.counted.any():
        why = SILENT if not recording.meta["kinds"] else "This team holds no beliefs that can be read."
        return _section("beliefs", "What they believed of each other", why, _by_agent(recording, None))
    text = (
        "A belief is right where the sub-goal that an agent thought likeliest for a neighbour is the one that the "
        "neighbour then really served. Dots are steps. Chance is a guess among "
        "the sub-goals that the neighbour has; the commonest is to name, always, what it serves most in this episode."
    )
    curve = belief_curve(found, recording.meta.get("step_s"))
    return _section("beliefs", "What they believed of each other", text, curve + _by_agent(recording, found))


def _by_agent(recording: Recording, found: Beliefs | None) -> str:
    n, rows = len(recording.agents), recording.messages()
    none = np.full(n, np.nan)
    own = none if found is None else found.share(found.right, (0, 2))
    others = none if found is None else figures.by_teammate(recording, found)
    plan, meant = (figures.came_true(recording, what) for what in ("plan", "next_subgoal"))
    said, heard = (np.bincount(rows[who], weights=rows["bytes"], minlength=n) for who in ("sender", "receiver"))
    lines = []
    for i, name in enumerate(recording.agents):
        cells = "".join(share_cell(float(one[i])) for one in (own, others, plan, meant))
        signals = [recording.error, recording.uncertainty]
        cells += "".join(f'<td class="num">{"–" if one is None else f"{one[:, i].mean():.2f}"}</td>' for one in signals)
        fired = recording.replanned
        cells += f'<td class="num">{"–" if fired is None else int(fired[:, i].sum())}</td>'
        cells += "".join(f'<td class="num">{size(one[i] / recording.steps)}</td>' for one in (said, heard))
        lines.append(f"<tr><td>{_e(name)}</td>{cells}</tr>")
    head = [("agent", ""), ("right about neighbours", "num"), ("neighbours right about it", "num")]
    head += [("its plan came true", "num"), ("its intention came true", "num"), ("mean E", "num"), ("mean U", "num")]
    head += [("planned anew", "num"), ("said a step", "num"), ("heard a step", "num")]
    return table("agents", head, lines)


def _concepts(recording: Recording) -> str:
    names, met = recording.meta["concepts"], figures.concepts_met(recording)
    maps: list[tuple[str, str, NDArray[Any], bool]] = [
        ("As learnt, C", "Shares of each row, in percent (equation 10).", recording.confusion_matrix, False),
        ("In this episode", "Steps.", met, True),
        ("Ever, M", "Confusions counted in training (equation 12).", recording.confusion_memory, True),
    ]
    body = "".join(
        f'<div><h3>{_e(title)}</h3><p class="soft">{_e(text)}</p>{heat_map(matrix, names, counts)}</div>'
        for title, text, matrix, counts in maps
    )
    text = (
        "Rows are what the thing that an agent looked at really was, columns what it was taken for: green is right, "
        "red is a confusion. While the team plays, C and M stand still."
    )
    return _section("concepts", "What they took things for", text, f'<div class="heats">{body}</div>')


def _bytes(recording: Recording) -> str:
    kinds = recording.meta["kinds"]
    if not kinds or recording.floats is None:
        return _section("bytes", "How much was said", SILENT, "")
    counts = figures.bytes_by_kind(recording).sum(1) / recording.steps
    total, rows = counts.sum(), []
    for p, (name, trigger) in enumerate(zip(kinds, recording.triggers(), strict=True)):
        colour, each = KIND_COLOURS[p % len(KIND_COLOURS)], BYTES_PER_FLOAT * int(recording.floats[p])
        rows.append(
            f'<tr><td><i class="chip" style="background:{colour}"></i>{_e(name)}</td><td>{_e(CARRIES.get(name, ""))}'
            f'<small class="often">{_e(OFTEN[trigger])}</small></td><td class="num">{each} B</td>'
            f'<td class="num">{counts[p] / each:,.1f}</td><td class="num">{size(counts[p])}</td>'
            f"{share_cell(counts[p] / total if total else float('nan'), colour)}</tr>"
        )
    sent = len(recording.messages()) / recording.steps
    rows.append(
        f'<tr class="total"><td>all</td><td></td><td></td><td class="num">{sent:,.1f}</td>'
        f'<td class="num">{size(total)}</td><td></td></tr>'
    )
    head = [("type", ""), ("what it is made from, and when it is sent", ""), ("a message", "num")]
    head += [("messages a step", "num"), ("bytes a step", "num"), ("share", "num")]
    text = (
        f"Whole team, mean over {recording.steps} steps; only what arrived is counted. One message of each type goes "
        f"from a sender to one receiver, and a number takes four bytes.{became(recording)}"
    )
    return _section("bytes", "How much was said", text, table("kinds", head, rows))


def _about(recording: Recording) -> str:
    meta = recording.meta
    said = {"made by": meta.get("command"), "all messages": meta.get("messages"), "all arrays": meta.get("recording")}
    lines = "".join(f"<dt>{_e(key)}</dt><dd><code>{_e(str(value))}</code></dd>" for key, value in said.items() if value)
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in ("remalis", "torch", "numpy"))
    lines += f"<dt>versions</dt><dd>{_e(versions)}, Python {platform.python_version()}</dd>"
    reached = {name: value for name, value in dict(meta.get("metrics") or {}).items() if value == value}
    if reached:
        text = ", ".join(f"{name} {value:,.2f}" for name, value in reached.items())
        lines += f"<dt>figures at the end</dt><dd>{_e(text)}</dd>"
    text = "What was recorded is what the team acted on: its own passes, and what the environment said after each step."
    return _section("about", "How this was made", text, f"<dl>{lines}</dl>")
