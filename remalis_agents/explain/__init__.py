"""What a ReMALIS team thought and said in an episode: recorded as plain arrays, and shown as one page."""

from __future__ import annotations

from remalis_agents.explain.recorder import Recorder, record_episode
from remalis_agents.explain.recording import MESSAGE, TRIGGERS, Recording

__all__ = ["MESSAGE", "TRIGGERS", "Recorder", "Recording", "record_episode"]
