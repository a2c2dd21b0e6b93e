"""Frames of a film of the web: the tabs of those who act, who does what, the task, the notebook, the judgement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from remalis_agents.web_film import drawing as d
from remalis_agents.web_film.recording import Moment, Recording, Turn
from remalis_agents.web_film.words import named
from remalis_envs.web.notebook import Note
from remalis_envs.web.screens import Screen

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Frame = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 1280, 800
_HEADER = 112
_GAP = 10
_SIDE = 356
"""Width of the column that tells of the team."""
_TITLE = 26
"""Height of the line over a tab."""
_TABS: d.Area = (_GAP, _HEADER + _GAP, WIDTH - _SIDE - 2 * _GAP, HEIGHT - _GAP)
_COLUMN: d.Area = (WIDTH - _SIDE - _GAP, _HEADER + _GAP, WIDTH - _GAP, HEIGHT - _GAP)
_MOST_TABS = 8


class Frames:
    """Draws a recording, uint8 ``(800, 1280, 3)``.

    Args:
        recording: of the episode; its moments need not be there yet.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._agents = {agent: k for k, agent in enumerate(recording.agents)}
        self._last: Moment | None = None
        self._pages: dict[str, Screen | None] = dict.fromkeys(recording.agents, recording.start)

    def opening(self) -> Frame:
        """Before anybody acts."""
        image, pen = self._sheet(0)
        count = len(self._agents)
        caption = f"All {count} agents begin here, each in a tab of its own" if count > 1 else "The agent begins here"
        self._tab(image, _TABS, caption, d.NIGHT, self.recording.start, None)
        self._column(pen, None, ())
        return _array(image)

    def before(self, moment: Moment) -> Frame:
        """What everybody is about to do; controls that will be used are framed."""
        return self._frame(moment, over=False)

    def after(self, moment: Moment) -> Frame:
        """What came of it."""
        self._pages.update((turn.agent, turn.after) for turn in moment.active)
        frame = self._frame(moment, over=True)
        self._last = moment
        return frame

    def closing(self) -> Frame:
        """What the judge says, beside the pages of those who acted last."""
        ending, moments = self.recording.ending, self.recording.moments
        assert ending is not None
        image, pen = self._sheet(len(moments))
        last = moments[-1] if moments else None
        left, top, right, bottom = _TABS
        checks = [(text, held) for text, held in ending.checks][:8]
        lines = len(checks) + len(ending.harm[:3])
        card = (left, bottom - 56 - (28 + 24 * lines if lines else 0), right, bottom)
        acted = [turn for turn in (last.active if last else ()) if turn.after is not None]
        if acted:
            turn = acted[-1]
            title = f"{named(turn.agent)}: the last page"
            colour = d.colour_of(self._agents[turn.agent])
            self._tab(image, (left, top, right, card[1] - _GAP), title, colour, turn.after, None)
        colour = d.GOOD if ending.solved else d.BAD
        pen.rounded_rectangle(card, 8, fill=d.CARD, outline=colour, width=3)
        pen.rounded_rectangle((*card[:3], card[1] + 44), 8, fill=colour)
        headline = f"{d.TICK if ending.solved else d.CROSS}  {ending.headline(len(moments))}"
        write_at = (card[0] + 16, card[1] + 10)
        width = card[2] - card[0] - 32
        d.write(pen, write_at, headline, d.font(19, True), d.CARD, width)
        y = card[1] + 54
        if lines:
            said = "The judge looks at the sites' data alone, once, when somebody confirms or time is up:"
            y = d.write(pen, (card[0] + 16, y), said, d.font(13), d.FAINT, width) + 10
        for text, held in checks:
            self._checked(pen, (card[0] + 16, y), text, held, width)
            y += 24
        for text in ending.harm[:3]:
            self._checked(pen, (card[0] + 16, y), f"harm: {text}", False, width)
            y += 24
        self._column(pen, last, last.turns if last else (), over=True)
        return _array(image)

    def _frame(self, moment: Moment, over: bool) -> Frame:
        image, pen = self._sheet(moment.step)
        shown = [turn for turn in moment.active if turn.before is not None][:_MOST_TABS]
        for turn, area in zip(shown, cells(len(shown)), strict=True):
            colour = d.colour_of(self._agents[turn.agent])
            caption = f"{named(turn.agent)} {turn.words}"
            if over:
                sign = d.TICK if turn.outcome == "done" else d.CROSS
                caption = f"{sign} {caption}" + (f"  {d.ARROW} {turn.answer}" if turn.answer else "")
            self._tab(image, area, caption, colour, turn.after if over else turn.before, turn, over)
        if not shown:
            waiting = list(self._pages.items())[:_MOST_TABS]
            for (agent, page), area in zip(waiting, cells(len(waiting)), strict=True):
                self._tab(image, area, f"{named(agent)} waits", d.FAINT, page, None, True)
        self._column(pen, moment if over else self._last, moment.turns, over)
        return _array(image)

    def _sheet(self, step: int) -> tuple[Image, ImageDraw]:
        """A frame with the task on top."""
        from PIL import Image
        from PIL.ImageDraw import Draw

        one = self.recording
        image = Image.new("RGB", (WIDTH, HEIGHT), d.PAPER)
        pen = Draw(image)
        pen.rectangle((0, 0, WIDTH, _HEADER), fill=d.NIGHT)
        small = d.font(12)
        where = f"{named(one.place.domain)}, {one.place.level} task, played by {one.who}"
        pen.text((16, 9), where, (170, 180, 196), small)
        pen.text((WIDTH - 196, 9), f"team step {step} of {one.budget}", (170, 180, 196), small, anchor="ra")
        bar = (WIDTH - 186, 12, WIDTH - 16, 20)
        pen.rounded_rectangle(bar, 4, fill=(70, 80, 98))
        if step:
            pen.rounded_rectangle((*bar[:2], bar[0] + max(8, 170 * step // one.budget), bar[3]), 4, fill=(240, 190, 80))
        face = d.fitting(one.instruction, WIDTH - 32, 3, (19, 17, 15))
        if len(d.lines_of(one.instruction, face, WIDTH - 32, 4)) > 3:
            d.write(pen, (16, 30), one.instruction, d.font(13), d.CARD, WIDTH - 32, 4)
        else:
            d.write(pen, (16, 31), one.instruction, face, d.CARD, WIDTH - 32, 3)
        return image, pen

    def _tab(
        self,
        image: Image,
        area: d.Area,
        caption: str,
        colour: d.Colour,
        shown: Screen | None,
        turn: Turn | None,
        over: bool = False,
    ) -> None:
        """A tab with a line over it."""
        from PIL.ImageDraw import Draw

        pen = Draw(image)
        left, top, right, bottom = area
        pen.rectangle((left, top, right, top + _TITLE), fill=colour)
        face = d.fitting(caption, right - left - 16, 1, (14, 13, 12))
        d.write(pen, (left + 8, top + 5), caption, face, d.CARD, right - left - 16)
        size = (right - left + 1, bottom - top - _TITLE)
        if shown is not None:
            focus = turn.before.box if over and turn and turn.before and not turn.moved else None
            image.paste(d.piece(shown, size, None if over else colour, focus), (left, top + _TITLE))
        pen.rectangle((left, top, right, bottom), outline=colour, width=2)

    def _column(self, pen: ImageDraw, known: Moment | None, turns: Sequence[Turn], over: bool = False) -> None:
        """The team, the notebook and what is done."""
        _, top, _, bottom = _COLUMN
        left = _COLUMN[0]
        y = self._heading(pen, top, "The team")
        each = min(40, (bottom - top) * 55 // 100 // max(1, len(self._agents)))
        by_name = {turn.agent: turn for turn in turns}
        for agent, k in self._agents.items():
            self._member(pen, (left, y), k, agent, by_name.get(agent), over, each)
            y += each
        y = self._heading(pen, y + 6, "Notebook (all read it)")
        y = self._notes(pen, y, known.notes if known else ())
        self._subtasks(pen, y + 6, known.done if known else frozenset())

    def _heading(self, pen: ImageDraw, y: int, text: str) -> int:
        pen.text((_COLUMN[0], y), text, d.INK, d.font(13, True))
        pen.line((_COLUMN[0], y + 18, _COLUMN[2], y + 18), fill=d.RULE, width=1)
        return y + 24

    def _member(
        self, pen: ImageDraw, at: tuple[int, int], k: int, agent: str, turn: Turn | None, over: bool, height: int
    ) -> None:
        x, y = at
        active = turn is not None and turn.active
        colour = d.colour_of(k) if active else d.RULE
        pen.rounded_rectangle((x, y + 1, x + 6, y + height - 6), 3, fill=colour)
        face = d.font(12, active)
        pen.text((x + 14, y), named(agent), d.colour_of(k) if active else d.FAINT, face)
        start = x + 14 + round(face.getlength(named(agent))) + 6
        words = turn.words if turn is not None else ""
        ink = d.INK if active else d.FAINT
        width = _COLUMN[2] - start
        d.write(pen, (start, y), words, d.font(12), ink, width)
        if active and over and turn is not None and height >= 34:
            said = turn.answer or ("done" if turn.outcome == "done" else turn.outcome)
            d.write(pen, (x + 14, y + 16), f"{d.ARROW} {said}", d.font(11), d.FAINT, _COLUMN[2] - x - 14)

    def _notes(self, pen: ImageDraw, y: int, notes: Sequence[Note]) -> int:
        if not notes:
            pen.text((_COLUMN[0], y), "nothing yet", d.FAINT, d.font(12))
            return y + 18
        for note in notes:
            pen.rounded_rectangle((_COLUMN[0], y + 3, _COLUMN[0] + 8, y + 11), 2, fill=d.colour_of(note.author))
            about = f"{note.text}  ({note.about})" if note.about else note.text
            y = d.write(pen, (_COLUMN[0] + 14, y), about, d.font(12), d.INK, _SIDE - 14, 2 if len(notes) <= 4 else 1)
        return y

    def _subtasks(self, pen: ImageDraw, y: int, done: frozenset[str]) -> None:
        room = (_COLUMN[3] - y - 24) // 17
        if room < 2:
            return
        y = self._heading(pen, y, "The judge's list (hidden from the team)")
        tasks = list(self.recording.subtasks.items())
        if len(tasks) > room:  # what was finished first goes
            gone = [name for name, _ in tasks if name in done][: len(tasks) - room + 1]
            tasks = [one for one in tasks if one[0] not in gone]
            if gone:
                d.write(pen, (_COLUMN[0], y), f"{d.TICK} {len(gone)} more", d.font(12), d.GOOD, _SIDE)
                y += 17
        for name, text in tasks[:room]:
            finished = name in done
            sign, ink = (d.TICK, d.GOOD) if finished else (d.DOT, d.FAINT)
            pen.text((_COLUMN[0], y), sign, ink, d.font(12, finished))
            d.write(pen, (_COLUMN[0] + 14, y), text, d.font(12), d.INK if finished else d.FAINT, _SIDE - 14)
            y += 17

    def _checked(self, pen: ImageDraw, at: tuple[int, int], text: str, held: bool, width: int) -> None:
        pen.text(at, d.TICK if held else d.CROSS, d.GOOD if held else d.BAD, d.font(15, True))
        d.write(pen, (at[0] + 24, at[1]), text, d.font(15), d.INK, width - 24)


def cells(count: int) -> list[d.Area]:
    """Where so many tabs go: one below the other up to two, else in two columns."""
    if not count:
        return []
    columns = 1 if count <= 2 else 2
    rows = -(-count // columns)
    left, top, right, bottom = _TABS
    across, down = (right - left + _GAP) // columns, (bottom - top + _GAP) // rows
    found = []
    for k in range(count):
        row, column = divmod(k, columns)
        x, y = left + column * across, top + row * down
        wide = columns == 2 and column == 0 and k == count - 1  # the odd one out has the whole row
        found.append((x, y, right if column == columns - 1 or wide else x + across - _GAP, y + down - _GAP))
    return found


def _array(image: Any) -> Frame:
    return np.asarray(image, np.uint8)
