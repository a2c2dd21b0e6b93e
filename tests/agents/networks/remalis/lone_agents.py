"""One agent of a team in a process of its own: it has its view, its neighbours' pipes, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.networks.remalis.alone import Agent


class Pipes:
    """Messages over one pipe for each neighbour."""

    def __init__(self, ends: dict[int, Any]) -> None:
        self.ends, self.sent_floats = ends, 0

    def send(self, neighbour: int, numbers: np.ndarray) -> None:
        self.sent_floats += numbers.size
        self.ends[neighbour].send_bytes(np.ascontiguousarray(numbers, np.float32).tobytes())

    def receive(self, neighbour: int) -> np.ndarray:
        return np.frombuffer(self.ends[neighbour].recv_bytes(), np.float32)


def live(spec: ModelSpec, weights: dict[str, np.ndarray], row: int, ends: dict[int, Any], world: Any) -> None:
    """Acts on each observation that ``world`` sends, until it sends None."""
    torch.set_num_threads(1)
    model = TeamModel(spec)
    model.load_state_dict({name: torch.as_tensor(value) for name, value in weights.items()})
    pipes = Pipes(ends)
    agent = Agent(model, row, pipes)
    while (given := world.recv()) is not None:
        decision = agent.decide(*given)
        world.send((int(decision.actions), decision.output.logits.flatten().numpy(), pipes.sent_floats))
