"""Returns over several steps out of the replay buffer, and where they must stop."""

from __future__ import annotations

import numpy as np
from ray.rllib.core.columns import Columns
from ray.rllib.env.single_agent_episode import SingleAgentEpisode

from remalis_agents.rllib.gae import AGENT_REWARDS
from remalis_agents.rllib.replay import TeamReplayBuffer
from remalis_agents.rllib.replay.buffer import AGENT_DISCOUNTS


def made_episode(online, alive, rewards, ended=None):
    """An episode of a team of two whose observation at step t says t; each argument is ``[T + 1 or T, 2]``."""
    steps = len(rewards)
    ended = np.zeros((steps, 2), np.float32) if ended is None else np.array(ended, np.float32)
    observations = [
        {
            "obs": np.full((2, 1), t, np.float32) * np.array(alive[t])[:, None],
            "alive": np.array(alive[t], np.float32),
            "action_mask": np.ones((2, 1), np.int8),
            "adjacency": np.ones((2, 2), np.int8),
            "t": np.array(t),
        }
        for t in range(steps + 1)
    ]
    infos = [
        {
            "online": np.array(online[t], np.float32),
            "agent_rewards": np.array(rewards[t - 1], np.float32),
            "agent_terminations": ended[t - 1],
            "subgoals": np.zeros(2, np.int64),
            "concepts": np.zeros(2, np.int64),
        }
        for t in range(steps + 1)
    ]
    return SingleAgentEpisode(
        observations=observations,
        infos=infos,
        actions=[np.zeros(2, np.int64)] * steps,
        rewards=[0.0] * steps,
        truncated=True,
        len_lookback_buffer=0,
    )


def windows(episode, n_step):
    """Step -> return, discount and step of the next observation, with a discount of a half."""
    buffer = TeamReplayBuffer(50)
    buffer.add([episode])
    batch = buffer.sample(200, 0.5, n_step)
    return {
        int(t): (batch[AGENT_REWARDS][row].tolist(), batch[AGENT_DISCOUNTS][row].tolist(), int(to))
        for row, (t, to) in enumerate(zip(batch[Columns.OBS]["t"], batch[Columns.NEXT_OBS]["t"], strict=True))
    }


REWARDS_OF_TWO = [[1, 10], [2, 20], [4, -100], [8, 40], [16, 80]]
BOTH, ONE = [1, 1], [1, 0]


def test_returns_over_several_steps_stop_where_an_agent_goes_offline():
    """The second agent is offline at step 2: nobody learns from its -100, and windows end in what it saw then."""
    online = [BOTH, BOTH, ONE, BOTH, BOTH, BOTH]
    found = windows(made_episode(online, [BOTH] * 6, REWARDS_OF_TWO), 3)
    assert found[0] == ([1 + 0.5 * 2, 10 + 0.5 * 20], [0.25, 0.25], 2)
    assert found[1] == ([2.0, 20.0], [0.5, 0.5], 2)
    # It does not act at step 2 itself, so there it has no weight, and the first agent has its whole window.
    assert found[2] == ([4 + 0.5 * 8 + 0.25 * 16, -100 + 0.5 * 40 + 0.25 * 80], [0.125, 0.125], 5)
    assert found[3] == ([8 + 0.5 * 16, 40 + 0.5 * 80], [0.25, 0.25], 5)


def test_returns_over_several_steps_stop_where_time_cut_an_agent_off():
    """It is gone from step 2 on, and its row is empty after its last observation: no value may come from there."""
    alive = [BOTH, BOTH, ONE, ONE, ONE, ONE]
    rewards = [[own, other * there] for (own, other), (_, there) in zip(REWARDS_OF_TWO, alive, strict=False)]
    found = windows(made_episode(alive, alive, rewards), 3)
    assert found[0] == ([2.0, 20.0], [0.25, 0.25], 2)
    assert found[1] == ([2.0, 20.0], [0.5, 0.5], 2)
    assert found[2][0][0] == 4 + 0.5 * 8 + 0.25 * 16 and found[2][2] == 5


def test_an_agent_whose_own_episode_ended_shortens_nobodys_window():
    alive = [BOTH, BOTH, ONE, ONE, ONE, ONE]
    ended = [[0, 0], [0, 1], [0, 0], [0, 0], [0, 0]]
    rewards = [[own, other * there] for (own, other), (_, there) in zip(REWARDS_OF_TWO, alive, strict=False)]
    found = windows(made_episode(alive, alive, rewards, ended), 3)
    assert found[0] == ([1 + 0.5 * 2 + 0.25 * 4, 10 + 0.5 * 20], [0.125, 0.0], 3)
    assert found[1] == ([2 + 0.5 * 4 + 0.25 * 8, 20.0], [0.125, 0.0], 4)
