"""A film strip: the moments of an episode that matter most, side by side in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from remalis_agents.film_files import FilmError
from remalis_agents.web_film import drawing as d
from remalis_agents.web_film.recording import Moment, Recording, Turn
from remalis_agents.web_film.words import named, team_of
from remalis_envs.web.screens import Screen

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURES, COLUMNS, WIDTH = 6, 3, 1400
_GAP, _PAGE, _CAPTION = 12, 250, 46
"""Between pictures, the height of a page and of the words over it, in pixels."""
_COLOURS = 128
"""Of the file, so that it stays small."""


def strip(recording: Recording) -> Image:
    """The task, up to six moments of an episode, and the judgement, about 1400 pixels wide.

    Raises:
        FilmError: there is nothing to be seen.
    """
    from PIL import Image
    from PIL.ImageDraw import Draw

    chosen = choose(recording.moments, PICTURES)
    if not chosen or recording.ending is None:
        raise FilmError("A film strip needs an episode in which somebody did something: this one has none.")
    head = _head(recording)
    columns = 2 if len(chosen) == 4 else COLUMNS
    rows = -(-len(chosen) // columns)
    each = _GAP + _CAPTION + _PAGE
    image = Image.new("RGB", (WIDTH, head.height + rows * each + _GAP + 44), d.PAPER)
    image.paste(head, (0, 0))
    across = (WIDTH - _GAP * (columns + 1)) // columns
    for k, (moment, turn) in enumerate(chosen):
        row, column = divmod(k, columns)
        at = (_GAP + column * (across + _GAP), head.height + _GAP + row * each)
        shown = turn.before if k < len(chosen) - 1 else turn.after
        agent = recording.agents.index(turn.agent)
        image.paste(_cell(moment, turn, agent, shown, across), at)
    ending = recording.ending
    y = image.height - 44
    pen = Draw(image)
    pen.rectangle((0, y, WIDTH, image.height), fill=d.GOOD if ending.solved else d.BAD)
    sign, held = d.TICK if ending.solved else d.CROSS, sum(held for _, held in ending.checks)
    told = f"{sign}  {ending.headline(len(recording.moments))}"
    count = len(ending.checks)
    told += f": {f'all {count}' if held == count else f'{held} of {count}'} of the judge's checks hold" if count else ""
    d.write(pen, (16, y + 12), told, d.font(16, True), d.CARD, WIDTH - 32)
    return image


def write_strip(recording: Recording, path: Path) -> None:
    """Writes a film strip as PNG.

    Raises:
        FilmError: there is nothing to be seen, or the file cannot be written.
    """
    from PIL.Image import Dither

    image = strip(recording).quantize(_COLOURS, dither=Dither.NONE)
    try:
        image.save(path, "PNG", optimize=True)
    except OSError as error:
        raise FilmError(f"The film strip {str(path)!r} cannot be written: {error.strerror or error}.") from None


def choose(moments: list[Moment], count: int) -> list[tuple[Moment, Turn]]:
    """The turns to show, in their order: those that finished something or wrote a fact down first, the last always."""
    ranked = []
    for moment in moments:
        for turn in moment.active:
            if turn.before is None or turn.after is None:
                continue
            verb = turn.words.split(" ", 1)[0]
            rank = max(3.0 * bool(turn.finished), {"notes": 3.5, "types": 1.0, "chooses": 1.0}.get(verb, 0.0))
            ranked.append((rank, moment, turn))
    if not ranked:
        return []
    last = ranked.pop()
    # Of equals those that are far apart, so that the whole episode is told.
    best: list[int] = []
    for _ in range(min(count - 1, len(ranked))):
        free = [k for k in range(len(ranked)) if k not in best]
        taken = [ranked[k][1].step for k in best]
        agents = [ranked[k][2].agent for k in best]

        def worth(k: int, taken: list[int] = taken, agents: list[str] = agents) -> tuple[float, int]:
            rank, moment, turn = ranked[k]
            apart = min((abs(moment.step - step) for step in taken), default=3)
            return rank + 0.4 * min(apart, 3) - agents.count(turn.agent), -k

        best.append(max(free, key=worth))
    chosen = [ranked[k][1:] for k in sorted(best)] + [last[1:]]
    return [(moment, turn) for moment, turn in chosen]


def _head(recording: Recording) -> Image:
    from PIL import Image
    from PIL.ImageDraw import Draw

    face = d.font(19)
    lines = d.lines_of(recording.instruction, face, WIDTH - 32, 4)
    image = Image.new("RGB", (WIDTH, 48 + 26 * len(lines)), d.NIGHT)
    pen = Draw(image)
    place = recording.place
    where = f"{named(place.domain)}, {place.level} task, {team_of(recording.agents)}, played by {recording.who}"
    pen.text((16, 10), where, (170, 180, 196), d.font(13))
    d.write(pen, (16, 32), recording.instruction, face, d.CARD, WIDTH - 32, 4)
    return image


def _cell(moment: Moment, turn: Turn, agent: int, shown: Screen | None, across: int) -> Image:
    from PIL import Image
    from PIL.ImageDraw import Draw

    image = Image.new("RGB", (across, _CAPTION + _PAGE), d.CARD)
    pen = Draw(image)
    colour = d.colour_of(agent)
    pen.rectangle((0, 0, across, _CAPTION), fill=colour)
    d.write(pen, (10, 5), f"{moment.step}. {named(turn.agent)}", d.font(13, True), d.CARD, across - 20)
    words = turn.words[:1].upper() + turn.words[1:]
    d.write(pen, (10, 24), words, d.fitting(words, across - 20, 1, (14, 13, 12)), d.CARD, across - 20)
    if shown is not None:
        image.paste(d.piece(shown, (across, _PAGE), colour), (0, _CAPTION))
    pen.rectangle((0, 0, across - 1, _CAPTION + _PAGE - 1), outline=colour, width=2)
    return image
