"""What a ReMALIS team thought and said in an episode: recorded as plain arrays, and shown as one page."""

from __future__ import annotations

from remalis_agents.explain.messages import MESSAGE, OUTCOMES, TRIGGERS
from remalis_agents.explain.recorder import Recorder, record_episode
from remalis_agents.explain.recording import Recording

__all__ = ["MESSAGE", "OUTCOMES", "TRIGGERS", "Recorder", "Recording", "record_episode"]
