"""Pictures of the traffic without a display: scenes taken from a running world, drawn on a map."""

from __future__ import annotations

from .recording import Recorder
from .renderer import Renderer
from .scene import Scene, SceneIncident, blend

__all__ = ["Recorder", "Renderer", "Scene", "SceneIncident", "blend"]
