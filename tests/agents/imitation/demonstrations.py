"""Recordings of toy games, and experiments that learn from them."""

from __future__ import annotations

import numpy as np
from toys import Ring

from remalis_agents.configs import parse_experiment
from remalis_agents.imitation.record import record
from remalis_envs.team import TeamEnv

RING = "toys:remalis-test/RingTeam-v0"
TINY = "{goal: 8, message: 8, channel: 8, summary: 8, coordination: 8, grounding: 8, planning: 8, hidden: [16]}"


class Oracle:
    """Names the symbol that it sees, and keeps what it was asked and what it answered."""

    def __init__(self, delay=0):
        self.delay = delay

    def reset(self, env, seed):
        self.env, self.seen, self.before = env, [], {}

    def act(self, observations):
        self.seen.append((self.env.online.copy(), {agent: own["observation"] for agent, own in observations.items()}))
        now = {agent: int(own["observation"][:3].argmax()) for agent, own in observations.items()}
        said = self.before if self.delay and self.before else now
        self.before = now
        return said


def recorded(path, episodes=12, player=None, max_agents=None, **options):
    with_defaults = {"agents": 4, "horizon": 10, **options}
    team = TeamEnv(Ring(**with_defaults), max_agents)
    made = {"env_name": RING, "env_config": with_defaults, "demonstrator": "controller:oracle"}
    record(team, player or Oracle(), path, episodes=episodes, first_seed=5, **made)
    return path


def experiment(demonstrations, *changes, run="IPPO"):
    body = {
        "env": RING,
        "run": run,
        "stage": "imitate",
        "imitation": {"demonstrations": str(demonstrations), "epochs": 20, "batch_size": 2, "lr": 0.01},
        "config": {
            "environment": {"env_config": {"agents": 4}},
            "env_runners": {"num_env_runners": 0},
            "rl_module": {"max_seq_len": 4},
        },
    }
    return parse_experiment({"ring": body}, changes)[1]


def columns_of(table):
    return {name: np.stack(table[name].to_numpy(zero_copy_only=False)) for name in table.schema.names}
