"""The map under the traffic: roads to scale, drawn once per network and again only when incidents change."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from . import style
from .scene import SceneIncident
from .shapes import Crossing, MapShapes, Points, StopLine, beside
from .style import Colour

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SUPERSAMPLING = 3
MARGIN_PX = 10
_CENTRES_FROM_PX, _MARKS_FROM_PX, _ARROWS_FROM_PX = 1.4, 2.6, 4.5
"""Widths of a lane in the picture below which its marks and arrows would only be noise."""
_STRIPE_M, _DASH_M, _GAP_M, _STOP_LINE_M = 1.0, 3.0, 6.0, 0.7
_ICON_PX = 7.0
_LABEL_PX = 10
_BANDS: dict[str, Colour] = {"work_zone": (255, 166, 43), "closure": (226, 52, 66)}


@dataclass(frozen=True)
class View:
    """From metres to pixels of the supersampled map."""

    left_m: float
    top_m: float
    px_per_m: float
    """Of the finished picture; the canvas is ``SUPERSAMPLING`` times as fine."""
    width_px: int
    height_px: int

    @classmethod
    def window(cls, middle_m: tuple[float, float], half_m: float, side_px: int) -> View:
        """A square around a place."""
        return cls(middle_m[0] - half_m, middle_m[1] + half_m, side_px / (2.0 * half_m), side_px, side_px)

    @classmethod
    def fit(cls, bounds_m: tuple[float, float, float, float], width_px: int, max_height_px: int) -> View:
        """The largest view of ``bounds_m`` in the given room; as wide and high as it needs."""
        left, bottom, right, top = bounds_m
        wide, high = max(right - left, 1.0), max(top - bottom, 1.0)
        scale = min((width_px - 2 * MARGIN_PX) / wide, (max_height_px - 2 * MARGIN_PX) / high)
        size = (math.ceil(wide * scale) + 2 * MARGIN_PX, math.ceil(high * scale) + 2 * MARGIN_PX)
        return cls(left - MARGIN_PX / scale, top + MARGIN_PX / scale, scale, *size)

    def pixels(self, points: Points) -> Points:
        """Canvas coordinates of points in metres, ``(..., 2)``."""
        scale = self.px_per_m * SUPERSAMPLING
        return np.stack([(points[..., 0] - self.left_m) * scale, (self.top_m - points[..., 1]) * scale], axis=-1)

    @property
    def corners_m(self) -> tuple[Points, Points]:
        """Lower left and upper right corner, ``(2,)`` each."""
        right = self.left_m + self.width_px / self.px_per_m
        bottom = self.top_m - self.height_px / self.px_per_m
        return np.array([self.left_m, bottom]), np.array([right, self.top_m])

    def sees(self, points: Points, slack_m: float = 10.0) -> npt.NDArray[np.bool_]:
        """Which points, ``(..., 2)``, lie within the view or just outside."""
        low, high = self.corners_m
        seen: npt.NDArray[np.bool_] = np.all((points > low - slack_m) & (points < high + slack_m), axis=-1)
        return seen

    def canvas_px(self, metres: float) -> float:
        """Length on the canvas."""
        return metres * self.px_per_m * SUPERSAMPLING


class BaseMap:
    """Draws roads, marks and incidents."""

    def __init__(self, shapes: MapShapes, view: View, labels: dict[str, tuple[float, float]]) -> None:
        self.shapes, self.view, self.labels = shapes, view, labels
        self._dry = self._draw_dry()
        self._incidents: tuple[SceneIncident, ...] = ()
        self._current = self._dry

    def canvas(self, incidents: tuple[SceneIncident, ...]) -> Image:
        """The map with ``incidents``; do not draw on it."""
        if incidents != self._incidents:
            self._current = self._with_incidents(incidents) if incidents else self._dry
            self._incidents = incidents
        return self._current

    # -- roads ------------------------------------------------------------------------------------------------
    def _draw_dry(self) -> Image:
        from PIL import Image, ImageDraw, ImageFont

        view, shapes = self.view, self.shapes
        image = Image.new("RGB", (view.width_px * SUPERSAMPLING, view.height_px * SUPERSAMPLING), style.LAND)
        draw = ImageDraw.Draw(image)
        kerb = max(2, round(view.canvas_px(0.8)))
        # Where people walk, their paths and not the kerbs are what borders a junction.
        junctions = () if shapes.walking_areas else shapes.junctions
        for outline in (*(road.outline for road in shapes.roads), *junctions):
            _line(draw, view, np.concatenate([outline, outline[:1]]), style.KERB, 2 * kerb)
        for path in shapes.paths:
            _fill(draw, view, path.outline, style.FOOTPATH)
        for road in shapes.roads:
            _fill(draw, view, road.outline, style.ASPHALT)
        for outline in shapes.junctions:
            _fill(draw, view, outline, style.JUNCTION)
        for outline in shapes.walking_areas:
            _fill(draw, view, outline, style.FOOTPATH)
        self._marks(draw)
        font, seam = ImageFont.load_default(_LABEL_PX * SUPERSAMPLING), 2 * SUPERSAMPLING
        for name, place in self.labels.items():
            x, y = view.pixels(np.array(place)) + np.array([4.0, -4.0]) * SUPERSAMPLING
            # At the edge of a map it moves inwards, and a seam keeps it readable where a road lies under it.
            left, top, right, bottom = draw.textbbox((x, y), name, font, anchor="lb")
            x += max(seam - left, 0.0) + min(image.width - seam - right, 0.0)
            y += max(seam - top, 0.0) + min(image.height - seam - bottom, 0.0)
            draw.text((x, y), name, style.FAINT_INK, font, anchor="lb", stroke_width=seam, stroke_fill=style.LAND)
        return image

    def _marks(self, draw: ImageDraw) -> None:
        view, shapes = self.view, self.shapes
        lane_px = 3.2 * view.px_per_m
        thin = max(1, round(view.canvas_px(0.25)))
        for line in shapes.lane_marks if lane_px >= _MARKS_FROM_PX else ():
            for dash in _dashes(line):
                _line(draw, view, dash, style.MARK, thin)
        for line in shapes.centre_lines if lane_px >= _CENTRES_FROM_PX else ():
            _line(draw, view, line, style.CENTRE, thin)
        for crossing in shapes.crossings:
            draw_zebra(draw, view, crossing, style.ZEBRA)
        for stop in shapes.stop_lines:
            back = stop.ahead * -_STOP_LINE_M
            _fill(draw, view, np.array([stop.left, stop.right, stop.right + back, stop.left + back]), style.WALK)
            if lane_px >= _ARROWS_FROM_PX:
                _arrow(draw, view, stop)

    # -- incidents --------------------------------------------------------------------------------------------
    def _with_incidents(self, incidents: tuple[SceneIncident, ...]) -> Image:
        from PIL import ImageDraw

        image = self._dry.copy()
        draw = ImageDraw.Draw(image)
        for kind in ("rain", "ice", "work_zone", "closure"):
            for one in (one for one in incidents if one.kind == kind):
                self._tint(draw, one)
        self._marks(draw)
        for one in incidents:
            place = self._place(one)
            if place is not None:
                x, y = self.view.pixels(place).tolist()
                draw_icon(draw, one.kind, x, y, SUPERSAMPLING)
        return image

    def _tint(self, draw: ImageDraw, one: SceneIncident) -> None:
        for edge in one.edges:
            for road in self.shapes.by_edge.get(edge, ()):
                if one.lane < 0 or road.lane == one.lane:
                    _fill(draw, self.view, road.outline, style.ROAD_TINTS[one.kind])
                    if one.kind in _BANDS:
                        for dash in _dashes(road.line, 4.0, 4.0):
                            _line(draw, self.view, dash, _BANDS[one.kind], round(self.view.canvas_px(road.width_m / 2)))

    def _place(self, one: SceneIncident) -> Points | None:
        """Where an incident's sign stands; weather has none."""
        if one.kind in ("rain", "ice"):
            return None
        lanes = [road for edge in one.edges for road in self.shapes.by_edge.get(edge, ())]
        own = [road for road in lanes if road.lane == one.lane] or lanes
        if not own:
            return None
        road = own[len(own) // 2]
        return along(road.line, one.position_m if one.kind == "crash" else _length(road.line) / 2.0)


def draw_zebra(draw: ImageDraw, view: View, crossing: Crossing, colour: Colour) -> None:
    """The stripes of a crossing; on small maps a plain band."""
    ribbon = crossing.ribbon
    half = ribbon.width_m / 2.0 - 0.4
    if view.px_per_m < 0.8:
        _line(draw, view, ribbon.line, colour, max(SUPERSAMPLING, round(view.canvas_px(half))))
        return
    for stripe in _dashes(ribbon.line, _STRIPE_M, _STRIPE_M):
        outline = np.concatenate([beside(stripe, half), beside(stripe, -half)[::-1]])
        _fill(draw, view, outline, colour)


def draw_icon(draw: ImageDraw, kind: str, x: float, y: float, scale: float) -> None:
    """The sign of an incident, centred at ``x``, ``y``."""
    r = _ICON_PX * scale
    if kind == "crash":
        corners = [(x, y - 1.2 * r), (x + 1.15 * r, y + 0.85 * r), (x - 1.15 * r, y + 0.85 * r)]
        draw.polygon(corners, fill=(255, 204, 0), outline=style.INK, width=round(scale * 1.2))
        draw.rectangle((x - 0.12 * r, y - 0.55 * r, x + 0.12 * r, y + 0.2 * r), fill=style.INK)
        draw.ellipse((x - 0.15 * r, y + 0.38 * r, x + 0.15 * r, y + 0.68 * r), fill=style.INK)
    elif kind == "closure":
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(200, 30, 45), outline=(255, 255, 255), width=round(scale))
        draw.rectangle((x - 0.6 * r, y - 0.2 * r, x + 0.6 * r, y + 0.2 * r), fill=(255, 255, 255))
    elif kind == "work_zone":
        corners = [(x, y - 1.15 * r), (x + 1.15 * r, y), (x, y + 1.15 * r), (x - 1.15 * r, y)]
        draw.polygon(corners, fill=(255, 150, 30), outline=style.INK, width=round(scale * 1.2))
        draw.rectangle((x - 0.45 * r, y - 0.12 * r, x + 0.45 * r, y + 0.12 * r), fill=style.INK)


def along(line: Points, metres: float) -> Points:
    """The point ``metres`` from the beginning of a line, ``(2,)``."""
    steps = np.hypot(*np.diff(line, axis=0).T)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    return np.array([np.interp(metres, at, line[:, 0]), np.interp(metres, at, line[:, 1])])


def _length(line: Points) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _dashes(line: Points, dash_m: float = _DASH_M, gap_m: float = _GAP_M) -> Iterable[Points]:
    total = _length(line)
    count = max(1, int((total + gap_m) // (dash_m + gap_m)))
    start = (total - count * dash_m - (count - 1) * gap_m) / 2.0
    for k in range(count):
        begin = max(start + k * (dash_m + gap_m), 0.0)
        yield np.array([along(line, begin), along(line, min(begin + dash_m, total))])


def _fill(draw: ImageDraw, view: View, outline: Points, colour: Colour) -> None:
    draw.polygon(view.pixels(outline).ravel().tolist(), fill=colour)


def _line(draw: ImageDraw, view: View, line: Points, colour: Colour, width: int) -> None:
    draw.line(view.pixels(line).ravel().tolist(), fill=colour, width=width, joint="curve" if len(line) > 2 else None)


_TURNS_DEG = {"s": 0.0, "l": 70.0, "L": 35.0, "r": -70.0, "R": -35.0, "t": 150.0}


def _arrow(draw: ImageDraw, view: View, stop: StopLine) -> None:
    """The painted arrow of a lane: a shaft, and a head for each turn."""
    middle = (stop.left + stop.right) / 2.0
    thin = max(1, round(view.canvas_px(0.35)))
    fork = middle - stop.ahead * 9.0
    _line(draw, view, np.array([fork - stop.ahead * 3.5, fork]), style.ARROW, thin)
    for turn in dict.fromkeys(stop.turns):
        angle = math.radians(_TURNS_DEG.get(turn, 0.0))
        c, s = math.cos(angle), math.sin(angle)
        way = np.array([c * stop.ahead[0] - s * stop.ahead[1], s * stop.ahead[0] + c * stop.ahead[1]])
        reach, head = (3.0, 1.3) if turn == "s" else (0.5, 0.9)
        tip = fork + way * reach
        side = np.array([-way[1], way[0]]) * head * 0.55
        _line(draw, view, np.array([fork, tip]), style.ARROW, thin)
        _fill(draw, view, np.array([tip + way * head, tip + side, tip - side]), style.ARROW)
