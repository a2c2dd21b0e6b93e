"""What frames of a film are drawn with: fonts, colours, lines of text, pieces of screenshots."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from remalis_envs.web.screens import Box, Screen

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

Colour = tuple[int, int, int]
Area = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""

INK: Colour = (30, 34, 42)
FAINT: Colour = (112, 119, 130)
PAPER: Colour = (238, 240, 243)
CARD: Colour = (255, 255, 255)
RULE: Colour = (208, 212, 219)
NIGHT: Colour = (31, 38, 51)
GOOD: Colour = (24, 121, 78)
BAD: Colour = (178, 40, 48)
AGENTS: tuple[Colour, ...] = (
    (11, 110, 153), (200, 80, 30), (125, 75, 176), (47, 125, 59), (166, 116, 8), (192, 46, 109), (52, 73, 118),
)  # fmt: skip
"""By agent, in their order; all carry white letters."""
COLOURS: tuple[Colour, ...] = (*AGENTS, INK, FAINT, PAPER, CARD, RULE, NIGHT, GOOD, BAD)
"""What a film has to show truly, beside its pages."""
TICK, CROSS, ARROW, DOT = "✓", "✗", "→", "•"
_SMALLEST = 0.62
"""A page is shown no smaller, so that its words can be read; what does not fit is left out."""


def colour_of(agent: int) -> Colour:
    """An agent's colour."""
    return AGENTS[agent % len(AGENTS)]


@lru_cache(maxsize=32)
def font(size: int, bold: bool = False) -> FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and has ticks and arrows."""
    import matplotlib
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", name)), size)


def lines_of(text: str, face: FreeTypeFont, width: float, most: int) -> list[str]:
    """Text in lines of a width, at most so many; what does not fit ends in an ellipsis."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if face.getlength(longer) <= width or not line:
            line = longer
            continue
        lines.append(line)
        line = word
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [_fitted(one, face, width) for one in lines]


def _fitted(line: str, face: FreeTypeFont, width: float) -> str:
    if face.getlength(line) <= width:
        return line
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        if face.getlength(line[:middle] + "…") <= width:
            low = middle
        else:
            high = middle - 1
    return line[:low].rstrip() + "…"


def write(
    pen: ImageDraw, at: tuple[int, int], text: str, face: FreeTypeFont, ink: Colour, width: float, most: int = 1
) -> int:
    """Writes text in lines of a width; returns where the next line would begin."""
    x, y = at
    step = round(face.size * 1.32)
    for line in lines_of(text, face, width, most):
        pen.text((x, y), line, ink, face)
        y += step
    return y


def fitting(text: str, width: float, most: int, sizes: Sequence[int]) -> FreeTypeFont:
    """The largest font of these sizes in which a text takes no more than so many lines; the last one otherwise."""
    for size in sizes:
        lines = lines_of(text, font(size), width, most + 1)
        if len(lines) <= most:
            return font(size)
    return font(sizes[-1])


@lru_cache(maxsize=64)
def _opened(png: bytes) -> Image:
    from PIL import Image

    return Image.open(io.BytesIO(png)).convert("RGB")


def piece(shown: Screen, size: tuple[int, int], mark: Colour | None = None, focus: Box | None = None) -> Image:
    """The part of a screenshot that fits, with what is acted on in it.

    Args:
        shown: the screenshot.
        size: width and height of the piece.
        mark: a colour to frame its box with; None for no frame.
        focus: what must be in the piece; its box by default, or else the top of the page.
    """
    from PIL import Image
    from PIL.ImageDraw import Draw

    picture, box = _opened(shown.png), shown.box
    focus = focus or box
    width, height = size
    scale = min(1.0, max(width / picture.width, _SMALLEST))
    across, down = min(picture.width, round(width / scale)), min(picture.height, round(height / scale))
    left = top = 0
    if focus is not None:
        # A wide or tall thing is shown from where it begins.
        middle_x = min((focus[0] + focus[2]) / 2, focus[0] + across * 0.4)
        middle_y = min((focus[1] + focus[3]) / 2, focus[1] + down * 0.4)
        left = _within(middle_x - across / 2, picture.width - across)
        top = _within(middle_y - down / 2, picture.height - down)
        left = 0 if focus[2] < across * 0.9 else left
    cut = picture.crop((left, top, left + across, top + down))
    shrunk = cut.resize((round(across * scale), round(down * scale)), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", size, CARD)
    whole.paste(shrunk, (0, 0))
    if box is not None and mark is not None:
        x0, y0, x1, y1 = (
            (box[0] - left) * scale,
            (box[1] - top) * scale,
            (box[2] - left) * scale,
            (box[3] - top) * scale,
        )
        edges = (max(1.0, x0 - 5), max(1.0, y0 - 4), min(width - 2.0, x1 + 5), min(height - 2.0, y1 + 4))
        if edges[2] > edges[0] and edges[3] > edges[1]:
            Draw(whole).rounded_rectangle(edges, 6, outline=mark, width=4)
    return whole


def _within(value: float, highest: int) -> int:
    return round(max(0.0, min(value, float(highest))))
