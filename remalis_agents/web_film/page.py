"""An episode as one HTML page that needs nothing but itself: who did what, what the sites answered, what changed."""

from __future__ import annotations

import base64
import hashlib
import html
import io
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from string import Template

from remalis_agents.web_film import drawing as d
from remalis_agents.web_film.recording import Ending, Moment, Recording, Turn
from remalis_agents.web_film.words import named, team_of
from remalis_envs.web.notebook import Note
from remalis_envs.web.screens import Screen

_PAGE = Path(__file__).resolve().parent / "page"
_QUALITY, _EFFORT = 65, 2
"""Of pictures, which are WebP: letters stay clean, and twice the effort saves a twentieth of the size."""
_e = html.escape


def page(recording: Recording) -> str:
    """The whole page, as text."""
    pictures = _Pictures()
    one, ending = recording, recording.ending
    assert ending is not None
    before: Sequence[Note] = ()
    steps = [_start(one, pictures)] if one.start is not None else []
    for moment in one.moments:
        steps.append(_step(one, moment, before, pictures))
        before = moment.notes
    place = one.place
    where = f"{named(place.domain)}, {place.level} task, seed {one.seed}, {team_of(one.agents)}, played by {one.who}"
    read = {name: (_PAGE / name).read_text(encoding="utf-8") for name in ("page.html", "style.css")}
    return Template(read["page.html"]).substitute(
        title=_e(f"{named(place.domain)}: {ending.headline(len(one.moments))}"),
        style=read["style.css"],
        pictures=pictures.style(),
        where=_e(where),
        instruction=_e(one.instruction),
        verdict=_verdict(ending, len(one.moments)),
        steps="\n".join(steps),
        about=_about(one, ending),
    )


class _Pictures:
    """Pictures of the page, each of them embedded once, as the background of a class."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._rules: list[str] = []

    def shot(self, shown: Screen, caption: str, boxed: bool) -> str:
        """A picture, which grows when it is clicked on."""
        from PIL import Image

        key = hashlib.sha256(shown.png).hexdigest()
        with Image.open(io.BytesIO(shown.png)) as image:
            width, height = image.size
            if key not in self._names:
                self._names[key] = f"p{len(self._names)}"
                file = io.BytesIO()
                image.convert("RGB").save(file, "WEBP", quality=_QUALITY, method=_EFFORT)
                data = base64.b64encode(file.getvalue()).decode()
                self._rules.append(f".{self._names[key]}{{background-image:url(data:image/webp;base64,{data})}}")
        mark = ""
        if boxed and shown.box is not None:
            left, top, right, bottom = shown.box
            sides = (left - 6) / width, (top - 5) / height, (right - left + 12) / width, (bottom - top + 10) / height
            style = ";".join(f"{k}:{v:.2%}" for k, v in zip(("left", "top", "width", "height"), sides, strict=True))
            mark = f'<i style="{style}"></i>'
        label = _e(caption, quote=True)
        frame = f'<div class="shot {self._names[key]}" tabindex="0" role="img" aria-label="{label}">{mark}</div>'
        return f"<figure>{frame}<figcaption>{_e(caption)}</figcaption></figure>"

    def style(self) -> str:
        """What the page's style sheet has to say of the pictures."""
        return "\n".join(self._rules)


def _verdict(ending: Ending, steps: int) -> str:
    checks = [f'<li class="{"yes" if held else "no"}">{_e(text)}</li>' for text, held in ending.checks]
    checks += [f'<li class="no">harm: {_e(text)}</li>' for text in ending.harm]
    kind = "verdict good" if ending.solved else "verdict"
    told = f'<h3>What the judge looked at</h3><ul class="checks">{"".join(checks)}</ul>' if checks else ""
    return f'<section class="{kind}"><h2>{_e(ending.headline(steps))}</h2>{told}</section>'


def _start(recording: Recording, pictures: _Pictures) -> str:
    assert recording.start is not None
    shot = pictures.shot(recording.start, "where all tabs begin", False)
    return f'<section id="start"><h2>At the start</h2><div class="start">{shot}</div></section>'


def _step(recording: Recording, moment: Moment, before: Sequence[Note], pictures: _Pictures) -> str:
    reward = sum(moment.rewards.values()) / max(1, len(moment.rewards))
    parts = [f"<h2>Team step {moment.step} <small>mean reward {reward:+.3f}</small></h2>"]
    for turn in moment.active:
        parts.append(_turn(turn, recording.agents.index(turn.agent), pictures))
    idle = [
        f"{named(turn.agent)} {turn.words if turn.outcome == 'waited' else turn.answer or turn.outcome}"
        for turn in moment.turns
        if not turn.active
    ]
    if idle:
        parts.append(f'<p class="idle">{_e("; ".join(idle))}</p>')
    new = [note for note in moment.notes if note not in before]
    if new:
        lines = (f"{named(recording.agents[one.author])}: “{one.text}” ({one.about})" for one in new)
        parts.append(f"<h3>Written into the notebook, for all to read</h3><ul>{_list(lines)}</ul>")
    if moment.changes:
        parts.append(f'<h3>Changed in the sites\' data</h3><ul class="state">{_list(moment.changes)}</ul>')
    finished = [text for turn in moment.turns for text in turn.finished]
    if finished:
        done = "".join(f'<li class="yes">{_e(text)}</li>' for text in finished)
        parts.append(f'<h3>Finished of the task</h3><ul class="checks">{done}</ul>')
    return f'<section id="step{moment.step}">{"".join(parts)}</section>'


def _turn(turn: Turn, agent: int, pictures: _Pictures) -> str:
    colour = "#{:02x}{:02x}{:02x}".format(*d.colour_of(agent))
    parts = [f"<p><b>{_e(named(turn.agent))}</b> {_e(turn.words)}</p>"]
    said = turn.answer or ("" if turn.outcome == "done" else turn.outcome)
    if said:
        parts.append(f'<p class="answer">→ {_e(said)}</p>')
    if turn.requested:
        parts.append("<p>asked the site for " + ", ".join(f"<code>{_e(one)}</code>" for one in turn.requested) + "</p>")
    shots = [(turn.before, "before", True), (turn.after, "after", False)]
    drawn = [pictures.shot(shown, when, boxed) for shown, when, boxed in shots if shown is not None]
    if drawn:
        parts.append(f'<div class="shots">{"".join(drawn)}</div>')
    return f'<div class="turn" style="--agent:{colour}">{"".join(parts)}</div>'


def _list(lines: Iterable[str]) -> str:
    return "".join(f"<li>{_e(line)}</li>" for line in lines)


def _about(recording: Recording, ending: Ending) -> str:
    rows = [(name.replace("_", " "), f"{value:g}") for name, value in ending.metrics.items()]
    rows += [(f"option {name}", str(value)) for name, value in recording.options.items()]
    rows += [("site", str(recording.place.site_seed)), ("remalis", metadata.version("remalis"))]
    table = "".join(f"<tr><td>{_e(name)}</td><td>{_e(value)}</td></tr>" for name, value in rows)
    return f'<section id="about"><h2>Figures and options</h2><table>{table}</table></section>'
