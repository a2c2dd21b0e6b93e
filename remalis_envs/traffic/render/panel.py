"""The panel beside the map: clock, key figures, a close-up and the legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import style
from .basemap import draw_icon
from .scene import Scene

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

PANEL_PX = 260
_PAD = 18
CLOSEUP_PX = PANEL_PX - 2 * _PAD
_INNER = PANEL_PX - 2 * _PAD
_ICON_SCALE = 4
_ROW, _SECOND = 21, 118
"""Height of a row of the legend, and where its second column begins."""


@dataclass(frozen=True)
class Legend:
    """What the legend has to explain beside speeds and signals."""

    people: bool = False
    emergency: bool = False


class Panel:
    """Draws the panel into frames, at a given left edge."""

    def __init__(self, title: str, subtitle: str, closeup: str, legend: Legend) -> None:
        from PIL import ImageFont

        self._fonts = {size: ImageFont.load_default(size) for size in (11, 12, 13, 16, 20, 34)}
        self._title, self._subtitle, self._closeup, self._entries = title, subtitle, closeup, legend
        self._figures_y = 116
        self._closeup_y = self._figures_y + 5 * 26 + 36
        self._legend_y = self._closeup_y + CLOSEUP_PX + 16
        rows = 2 + (legend.people or legend.emergency)
        self._incidents_y = self._legend_y + 42 + rows * _ROW
        self.least_height = self._incidents_y + (3 * _ROW if legend.emergency else 0) + 10

    # -- what does not change ---------------------------------------------------------------------------------
    def draw_still(self, frame: Image, left: int) -> None:
        """Everything that is the same in every picture."""
        from PIL import ImageDraw

        draw = ImageDraw.Draw(frame)
        draw.rectangle((left, 0, frame.width, frame.height), fill=style.PAPER)
        draw.line((left, 0, left, frame.height), fill=style.RULE)
        x = left + _PAD
        size = next((s for s in (20, 16, 13) if draw.textlength(self._title, self._fonts[s]) <= _INNER), 11)
        draw.text((x, 16), self._title, style.INK, self._fonts[size])
        draw.text((x, 43), self._subtitle, style.FAINT_INK, self._fonts[13])
        for k, (label, _) in enumerate(figures(Scene(0.0))):
            draw.text((x, self._figures_y + 26 * k + 3), label, style.FAINT_INK, self._fonts[13])
        draw.text((x, self._closeup_y - 19), _shortened(f"junction {self._closeup}"), style.FAINT_INK, self._fonts[11])
        self._legend(draw, x)

    def _legend(self, draw: ImageDraw, x: int) -> None:
        y, colours = self._legend_y, style.speed_colours()
        for k in range(_INNER):
            draw.line((x + k, y, x + k, y + 9), fill=colours[k * (len(colours) - 1) // (_INNER - 1)])
        draw.text((x, y + 13), "standing", style.FAINT_INK, self._fonts[11])
        draw.text((x + _INNER, y + 13), "free speed", style.FAINT_INK, self._fonts[11], anchor="ra")
        y += 42
        for k, (letter, name) in enumerate(style.SIGNAL_NAMES.items()):
            self._signal(draw, x + _SECOND * (k % 2), y + _ROW * (k // 2), letter, name)
        y += 2 * _ROW
        if self._entries.people:
            draw.ellipse((x + 5, y + 2, x + 11, y + 8), fill=style.PERSON)
            draw.text((x + 24, y - 2), "on foot", style.INK, self._fonts[12])
            x += _SECOND
        if self._entries.emergency:
            draw.ellipse((x + 2, y - 1, x + 14, y + 11), outline=style.EMERGENCY_RING, width=2)
            draw.text((x + 24, y - 2), "emergency", style.INK, self._fonts[12])

    def _signal(self, draw: ImageDraw, x: int, y: int, letter: str, name: str) -> None:
        inset = 4 if letter == "g" else 3
        draw.rectangle((x, y, x + 16, y + 10), fill=style.ASPHALT)
        draw.rectangle((x + 1, y + inset, x + 15, y + 10 - inset), fill=style.SIGNALS[letter])
        draw.text((x + 24, y - 2), name, style.INK, self._fonts[12])

    # -- what does --------------------------------------------------------------------------------------------
    def draw(self, frame: Image, left: int, scene: Scene, closeup: Image) -> None:
        """Clock, figures, the close-up and what incidents there are."""
        from PIL import ImageDraw

        draw = ImageDraw.Draw(frame)
        x = left + _PAD
        draw.text((x - 2, 66), clock(scene.time_s), style.INK, self._fonts[34])
        for k, (_, value) in enumerate(figures(scene)):
            draw.text((x + _INNER, self._figures_y + 26 * k), value, style.INK, self._fonts[16], anchor="ra")
        frame.paste(closeup, (x, self._closeup_y))
        draw.rectangle((x - 1, self._closeup_y - 1, x + CLOSEUP_PX, self._closeup_y + CLOSEUP_PX), outline=style.RULE)
        present = [kind for kind in style.INCIDENT_NAMES if any(one.kind == kind for one in scene.incidents)]
        for k, kind in enumerate(present):
            count = sum(one.kind == kind for one in scene.incidents)
            self._incident(frame, draw, x + _SECOND * (k % 2), self._incidents_y + _ROW * (k // 2), kind, count)

    def _incident(self, frame: Image, draw: ImageDraw, x: int, y: int, kind: str, count: int) -> None:
        from PIL import Image, ImageDraw

        if kind in ("rain", "ice"):
            draw.rectangle((x, y, x + 16, y + 10), fill=style.ROAD_TINTS[kind])
        else:
            side = 18 * _ICON_SCALE
            icon = Image.new("RGB", (side, side), style.PAPER)
            draw_icon(ImageDraw.Draw(icon), kind, side / 2, side / 2, _ICON_SCALE)
            frame.paste(icon.reduce(_ICON_SCALE), (x - 1, y - 4))
        name = style.INCIDENT_NAMES[kind] + (f" ({count})" if count > 1 else "")
        draw.text((x + 24, y - 2), name, style.INK, self._fonts[12])


def _shortened(text: str, length: int = 36) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def clock(time_s: float) -> str:
    """Such as ``0:05:09``."""
    minutes, seconds = divmod(math.floor(time_s + 1e-6), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"


def figures(scene: Scene) -> Sequence[tuple[str, str]]:
    """The key figures, as label and text."""
    totals = scene.totals
    delay = totals.get("mean_delay_s", float("nan"))
    return (
        ("on the road", f"{len(scene.ids):,}"),
        ("queued", f"{int(scene.halting.sum()):,}"),
        ("waiting to enter", f"{int(totals.get('never_departed_veh', 0)):,}"),
        ("arrived", f"{int(totals.get('arrived_veh', 0)):,}"),
        ("mean delay so far", f"{delay:.1f} s" if delay == delay else "-"),
    )
