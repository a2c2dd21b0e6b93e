"""Composes pictures: the whole map, and beside it clock, key figures, a close-up of one junction and the legend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import unknown
from remalis_envs.traffic.network.model import Intersection, RoadNetwork

from . import style
from .basemap import SUPERSAMPLING, View
from .layer import Layer
from .panel import CLOSEUP_PX, PANEL_PX, Legend, Panel
from .scene import Scene
from .shapes import MapShapes, read_shapes

if TYPE_CHECKING:
    from PIL.Image import Image

    from remalis_envs.traffic.scenarios import Scenario

_FEW = 36
"""Junctions beyond which a picture is wider, and their names would only be clutter."""
_SHORT_NAME = 6
"""Characters of a name that fits beside a junction."""
_WIDTH_PX, _WIDE_PX = 1080, 1360
_CLOSEUP_LEAST_M, _CLOSEUP_AROUND_M = 42.0, 26.0


class Renderer:
    """Pictures of one network, without a display.

    Args:
        network: what to draw.
        width: of the picture in pixels, more for large maps by default; a map that is higher than wide gets less.
            The height follows the map.
        title: first line of the panel, such as the level.
        subtitle: second line, such as the controller.
        closeup: agent whose junction is shown enlarged; the most central one by default.
        emergency: whether the legend explains emergency vehicles.

    Raises:
        UnknownNameError: ``closeup`` is not an agent.
    """

    def __init__(
        self,
        network: RoadNetwork,
        *,
        width: int | None = None,
        title: str = "",
        subtitle: str = "",
        closeup: str | None = None,
        emergency: bool = False,
    ) -> None:
        self.network = network
        few = len(network.intersections) <= _FEW
        width = width or (_WIDTH_PX if few else _WIDE_PX)
        shapes = read_shapes(network)
        self.view = View.fit(shapes.bounds_m, width - PANEL_PX, width - PANEL_PX)
        chosen = _central(network) if closeup is None else _named(network, closeup)
        half_m = _half_window_m(shapes, chosen)
        named = few and all(len(one.id) <= _SHORT_NAME for one in network.intersections)
        labels = {one.id: _label_place(shapes, one) for one in network.intersections} if named else {}
        self._layer = Layer(shapes, self.view, labels)
        self._closeup = Layer(shapes, View.window((chosen.x_m, chosen.y_m), half_m, CLOSEUP_PX))
        signals = f"{len(network.intersections)} signals"
        legend = Legend(people=bool(shapes.crossings), emergency=emergency)
        self._panel = Panel(title or signals, subtitle or (signals if title else ""), chosen.id, legend)
        # Films in yuv420p need even sizes.
        self.width = -(-(self.view.width_px + PANEL_PX) // 2) * 2
        self.height = -(-max(self.view.height_px, self._panel.least_height) // 2) * 2
        self._top_px = (self.height - self.view.height_px) // 2
        self._blank = self._frame((chosen.x_m, chosen.y_m), half_m)

    @classmethod
    def of_scenario(cls, scenario: Scenario, *, subtitle: str = "", width: int | None = None) -> Renderer:
        """A renderer with the scenario's name as title and a legend for what it has."""
        emergency = scenario.demand is not None and scenario.demand.emergency_share > 0
        return cls(scenario.network, width=width, title=scenario.name, subtitle=subtitle, emergency=emergency)

    def pixel(self, x_m: float, y_m: float) -> tuple[int, int]:
        """Row and column of the picture that show a place."""
        column, row = self.view.pixels(np.array([x_m, y_m])) / SUPERSAMPLING
        return int(row) + self._top_px, int(column)

    def draw(self, scene: Scene) -> npt.NDArray[np.uint8]:
        """The picture of a scene, uint8 ``(height, width, 3)``; equal scenes give equal pictures."""
        frame = self._blank.copy()
        frame.paste(self._layer.draw(scene), (0, self._top_px))
        self._draw_brackets(frame)
        self._panel.draw(frame, self.width - PANEL_PX, scene, self._closeup.draw(scene))
        return np.asarray(frame)

    def _frame(self, middle_m: tuple[float, float], half_m: float) -> Image:
        """What never changes; and the corners that mark the close-up on the map."""
        from PIL import Image

        blank = Image.new("RGB", (self.width, self.height), style.LAND)
        self._panel.draw_still(blank, self.width - PANEL_PX)
        row, column = self.pixel(*middle_m)
        half = max(round(half_m * self.view.px_per_m), 5)
        self._box = (column - half, row - half, column + half, row + half)
        return blank

    def _draw_brackets(self, frame: Image) -> None:
        from PIL import ImageDraw

        draw = ImageDraw.Draw(frame)
        x0, y0, x1, y1 = self._box
        arm = max((x1 - x0) // 5, 3)
        for x, y, right, down in ((x0, y0, 1, 1), (x1, y0, -1, 1), (x0, y1, 1, -1), (x1, y1, -1, -1)):
            draw.line((x, y + down * arm, x, y, x + right * arm, y), fill=style.INK, width=1)


def _central(network: RoadNetwork) -> Intersection:
    """The junction nearest to the middle, of those with four arms or more where there are any."""
    places = np.array([(one.x_m, one.y_m) for one in network.intersections])
    middle = (places.min(axis=0) + places.max(axis=0)) / 2.0
    distance = np.hypot(*(places - middle).T)
    large = np.array([len(one.arms) > 3 for one in network.intersections])
    return network.intersections[int(np.where(large | ~large.any(), distance, np.inf).argmin())]


def _named(network: RoadNetwork, agent: str) -> Intersection:
    if agent not in network.agents:
        raise unknown("agent", agent, network.agents)
    return network.intersections[network.agents.index(agent)]


def _half_window_m(shapes: MapShapes, one: Intersection) -> float:
    """How far the close-up reaches: the stop lines and a few cars behind each."""
    ends = [stop.left for stop in shapes.stop_lines if stop.agent == one.index]
    reach = max((max(abs(end[0] - one.x_m), abs(end[1] - one.y_m)) for end in ends), default=0.0)
    return max(float(reach) + _CLOSEUP_AROUND_M, _CLOSEUP_LEAST_M)


def _label_place(shapes: MapShapes, one: Intersection) -> tuple[float, float]:
    """Just outside the junction, to the upper right."""
    ends = [stop.right for stop in shapes.stop_lines if stop.agent == one.index]
    right = max((end[0] - one.x_m for end in ends), default=8.0)
    top = max((end[1] - one.y_m for end in ends), default=8.0)
    return one.x_m + float(right), one.y_m + float(top)
