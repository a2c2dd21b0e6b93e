"""The team at work as a picture of words: instruction, notebook, and each agent's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from remalis_envs.web.desk import Desk
from remalis_envs.web.notebook import Note
from remalis_envs.web.pages.items import Reading
from remalis_envs.web.vocabulary import SUBGOALS

if TYPE_CHECKING:
    from PIL.Image import Image

    from remalis_envs.web.screens import Box

CARD_WIDTH, CARD_HEIGHT, HEADER, MARGIN, COLUMNS = 320, 240, 120, 8, 4
PAGE_SIZE, PAGE_LINE = (1280, 813), 22
"""Width and height of a page's picture, as the browser's window has them, and a line of it, in pixels."""
_INK, _PAPER, _CARD, _ACCENT = (30, 34, 40), (238, 240, 243), (255, 255, 255), (26, 95, 180)


def draw(desks: Sequence[Desk], instruction: str, notes: Sequence[Note], step: int) -> npt.NDArray[np.uint8]:
    """A picture, uint8 ``(height, width, 3)``.

    Args:
        desks: of the team.
        instruction: of the task.
        notes: of the notebook.
        step: team steps played.
    """
    from PIL import Image, ImageDraw, ImageFont

    columns = min(COLUMNS, len(desks) + 1)
    rows = -(-(len(desks) + 1) // columns)
    size = (columns * CARD_WIDTH + MARGIN, HEADER + rows * CARD_HEIGHT + MARGIN)
    image = Image.new("RGB", size, _PAPER)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    _write(pen, font, (MARGIN * 2, MARGIN), f"Step {step}. {instruction}", size[0] - 4 * MARGIN, HEADER - MARGIN, _INK)
    cards = [("notebook", [f"{note.text} ({note.about})" for note in notes])]
    for desk in desks:
        goal = SUBGOALS[desk.subgoal] if desk.subgoal >= 0 else ""
        about = f"{desk.name}: {goal} ({desk.outcome})"
        shown = [item.name for item in (desk.reading.items[one.place] for one in desk.window()) if item.name]
        cards.append((about, [desk.reading.title, *dict.fromkeys(shown)]))
    for number, (title, lines) in enumerate(cards):
        row, column = divmod(number, columns)
        x, y = MARGIN + column * CARD_WIDTH, HEADER + row * CARD_HEIGHT
        pen.rectangle((x, y, x + CARD_WIDTH - MARGIN, y + CARD_HEIGHT - MARGIN), fill=_CARD)
        width = CARD_WIDTH - 3 * MARGIN
        down = _write(pen, font, (x + MARGIN, y + MARGIN), title, width, CARD_HEIGHT - 2 * MARGIN, _ACCENT)
        for line in lines:
            left = y + CARD_HEIGHT - 2 * MARGIN - down
            if left < 14:
                break
            down = _write(pen, font, (x + MARGIN, down), line, width, left, _INK)
    return np.asarray(image, np.uint8)


def draw_page(reading: Reading, place: int = -1) -> tuple[Image, Box | None]:
    """A page as words, for engines that have no picture of it.

    Args:
        reading: of the page.
        place: of an item that is to be in sight; -1 for none.

    Returns:
        The picture, and where in it the item stands.
    """
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", PAGE_SIZE, _CARD)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(16)
    pen.rectangle((0, 0, PAGE_SIZE[0], 44), fill=_PAPER)
    pen.text((24, 12), f"{reading.title}   ({reading.url})", _INK, font)
    rows = (PAGE_SIZE[1] - 60) // PAGE_LINE
    first = max(0, min(place - rows // 2, len(reading.items) - rows))
    box: Box | None = None
    for k, item in enumerate(reading.items[first : first + rows], start=first):
        y = 56 + (k - first) * PAGE_LINE
        value = f": {item.value}" if item.value else ""
        mark = " [x]" if item.checked else " [ ]" if item.checked is not None else ""
        words = f"{item.name}{value}{mark}" + (f"   ({item.role})" if item.is_control else "")
        pen.text((24, y), words, _ACCENT if item.is_control else _INK, font)
        if k == place:
            box = (20.0, y - 2.0, 32.0 + pen.textlength(words, font), y + PAGE_LINE - 2.0)
    return image, box


def _write(
    pen: Any, font: Any, at: tuple[int, int], text: str, width: int, height: int, ink: tuple[int, int, int]
) -> int:
    """Writes text in lines of a width; returns where the next line would begin."""
    x, y = at
    line = ""
    for word in (*text.split(), None):
        longer = f"{line} {word}".strip() if word is not None else line
        if word is not None and pen.textlength(longer, font) <= width:
            line = longer
            continue
        if y - at[1] + 14 > height:
            return y
        pen.text((x, y), line, ink, font)
        y += 15
        line = word or ""
    return y
