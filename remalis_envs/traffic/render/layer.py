"""One view of the traffic: the cached map, then signals, vehicles and people on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from remalis_envs.traffic.demand.vehicle_types import EMERGENCY

from . import style
from .basemap import SUPERSAMPLING, BaseMap, View, draw_zebra
from .scene import Scene
from .shapes import MapShapes, Points, StopLine

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

_BODY_M = 2.7
"""Drawn width of a vehicle: more than the real 1.8 m, which is under two pixels on most maps, and less than a lane."""
_LONGER_M = 1.2
"""Drawn beyond the real rear, about half the gap between queued cars, for the same reason."""
_ENLARGED_BELOW_PX = 2.0
"""Pixels per metre from which vehicles have their true size."""
_TRUE_BODY_M = 1.9
_LEAST_BODY_PX = (2.1, 3.4)
"""Least width and length of a vehicle in the picture."""
_BAR_M, _LEAST_BAR_PX = 1.8, 3.0
_PERSON_M, _LEAST_PERSON_PX = 0.5, 1.3
_RING_PX = 6.0


class Layer:
    """Draws scenes as seen through ``view``."""

    def __init__(self, shapes: MapShapes, view: View, labels: dict[str, tuple[float, float]] | None = None) -> None:
        self.view = view
        seen = shapes.within(*view.corners_m)
        self._map = BaseMap(seen, view, labels or {})
        self._stops, self._crossings = seen.stop_lines, seen.crossings
        self._bars = [self._bar(stop) for stop in self._stops]
        self._colours = style.speed_colours()

    def draw(self, scene: Scene) -> Image:
        """The picture, ``view.width_px`` by ``view.height_px``."""
        from PIL import ImageDraw

        canvas = self._map.canvas(scene.incidents).copy()
        draw = ImageDraw.Draw(canvas)
        if scene.signals:
            self._draw_signals(draw, scene)
        self._draw_vehicles(draw, scene)
        self._draw_people(draw, scene)
        return canvas.reduce(SUPERSAMPLING)

    def _bar(self, stop: StopLine) -> list[dict[str, list[float]]]:
        """Outlines of a stop line's bar, by letter, one for each link from left to right."""
        thick_m = max(_BAR_M, _LEAST_BAR_PX / self.view.px_per_m)
        n = len(stop.links)
        bars = []
        for k in range(n):
            left = stop.left + (stop.right - stop.left) * (k / n)
            right = stop.left + (stop.right - stop.left) * ((k + 1) / n)
            outlines = {}
            for letter in style.SIGNALS:
                ahead = stop.ahead * (thick_m * 0.6 if letter == "g" else thick_m)
                corners = np.array([left, right, right + ahead, left + ahead])
                outlines[letter] = self.view.pixels(corners).ravel().tolist()
            bars.append(outlines)
        return bars

    def _draw_signals(self, draw: ImageDraw, scene: Scene) -> None:
        for crossing in self._crossings:
            state = scene.signals[crossing.agent]
            if any(state[link] in "Gg" for link in crossing.links):
                draw_zebra(draw, self.view, crossing, style.WALK)
        for stop, bars in zip(self._stops, self._bars, strict=True):
            state = scene.signals[stop.agent]
            for link, outlines in zip(stop.links, bars, strict=True):
                letter = style.signal_letter(state[link])
                draw.polygon(outlines[letter], fill=style.SIGNALS[letter])

    def _draw_vehicles(self, draw: ImageDraw, scene: Scene) -> None:
        seen = np.flatnonzero(self.view.sees(np.stack([scene.x_m, scene.y_m], axis=-1), 20.0))
        if not len(seen):
            return
        outlines = self.view.pixels(bodies(scene, self.view.px_per_m)[seen])
        steps = style.speed_steps(scene.speed_share[seen]).tolist()
        for outline, step in zip(outlines.reshape(len(outlines), -1).tolist(), steps, strict=True):
            draw.polygon(outline, fill=self._colours[step])
        ring = _RING_PX * SUPERSAMPLING
        for k in np.flatnonzero(scene.vehicle_type[seen] == EMERGENCY):
            draw.polygon(outlines[k].ravel().tolist(), fill=style.EMERGENCY_BODY)
            x, y = outlines[k].mean(axis=0)
            box = (x - ring, y - ring, x + ring, y + ring)
            draw.ellipse(box, outline=style.EMERGENCY_RING, width=2 * SUPERSAMPLING)

    def _draw_people(self, draw: ImageDraw, scene: Scene) -> None:
        r = SUPERSAMPLING * max(_PERSON_M * self.view.px_per_m, _LEAST_PERSON_PX)
        for x, y in self.view.pixels(scene.people_m[self.view.sees(scene.people_m)]).tolist():
            draw.ellipse((x - r, y - r, x + r, y + r), fill=style.PERSON)


def bodies(scene: Scene, px_per_m: float) -> Points:
    """Outlines of the vehicles in metres, ``(V, 6, 2)``: boxes with a chamfered front, enlarged on small maps."""
    width, longer = (_BODY_M, _LONGER_M) if px_per_m < _ENLARGED_BELOW_PX else (_TRUE_BODY_M, 0.0)
    angle = np.radians(scene.heading_deg)
    ahead = np.stack([np.sin(angle), np.cos(angle)], axis=-1)[:, None]
    aside = np.stack([-np.cos(angle), np.sin(angle)], axis=-1)[:, None]
    half = max(width, _LEAST_BODY_PX[0] / px_per_m) / 2.0
    length = np.maximum(scene.length_m + longer, _LEAST_BODY_PX[1] / px_per_m)
    back = np.stack([-length, -length, -0.22 * length, 0 * length, 0 * length, -0.22 * length], axis=1)
    side = half * np.array([1.0, -1.0, -1.0, -0.6, 0.6, 1.0])
    front = np.stack([scene.x_m, scene.y_m], axis=-1)[:, None]
    outlines: Points = front + back[..., None] * ahead + side[:, None] * aside
    return outlines
