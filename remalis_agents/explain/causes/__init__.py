"""Whether messages matter: what one message does to its receiver's decision, and what messages do for the score.

::

    episodes = listen(team, env, seeds=range(1000, 1010), moments=20)
    effects = overwrite(team, episodes)  # one message, one decision
    other = shuffle(team, env, episodes)  # everything heard comes from another episode
    difference(other.figures, [one.figures for one in episodes], "team_return")
"""

from __future__ import annotations

from remalis_agents.explain.causes.listening import Listened, Moment, commonest_share, listen
from remalis_agents.explain.causes.overwriting import Overwritten, overwrite, think_again
from remalis_agents.explain.causes.shuffling import Shuffled, difference, shuffle, silence

__all__ = [
    "Listened",
    "Moment",
    "Overwritten",
    "Shuffled",
    "commonest_share",
    "difference",
    "listen",
    "overwrite",
    "shuffle",
    "silence",
    "think_again",
]
