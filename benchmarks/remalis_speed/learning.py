"""One training step of a network: forward and backward over a batch of sequences, with the method's own losses."""

from __future__ import annotations

import torch
from torch import Tensor

from remalis_agents.networks import Played, TeamInputs, TeamOutput
from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.model import TeamModel
from remalis_agents.synthetic import team_inputs


class Batch:
    """Sequences of random steps, with what became of them.

    Args:
        model: who learns from it.
        agents: N.
        sequences: B.
        steps: T; the whole batch is one pass.
        device: where it lies.
    """

    def __init__(self, model: TeamModel, agents: int, sequences: int, steps: int, device: str = "cpu") -> None:
        self.model = model
        team = team_inputs(model, agents, sequences, steps)
        self.team = _on(team, device)
        generator = torch.Generator().manual_seed(0)
        shape = team.alive.shape

        def drawn(count: int) -> Tensor:
            return torch.randint(count, shape, generator=generator).to(device)

        def share() -> Tensor:
            return torch.rand(shape, generator=generator).to(device)

        legal = int(team.action_mask[..., 0, :].flatten(0, -2)[0].sum())
        weights = torch.ones(shape, device=device)
        self.played = Played(drawn(legal), share(), weights, drawn(4), drawn(5), share(), share())

    def learn(self) -> None:
        """Forward and backward; the weights stay as they are."""
        self.model.zero_grad(set_to_none=True)
        output: TeamOutput = self.model(self.team)
        self.loss(output).backward()

    def loss(self, output: TeamOutput) -> Tensor:
        """What PPO looks at, and the method's own losses."""
        chances = mask_logits(output.logits, self.team.action_mask).log_softmax(-1)
        chosen = chances.gather(-1, self.played.actions.unsqueeze(-1)).squeeze(-1)
        if output.log_probs is not None:
            chosen = chosen + output.log_probs
        own = self.model.network.losses(self.team, output, self.played)
        loss = (output.values - self.played.rewards).square().mean() - chosen.mean()
        return torch.stack([loss, *own.values()]).sum()


def _on(team: TeamInputs, device: str) -> TeamInputs:
    placed = {name: getattr(team, name).to(device) for name in team._fields[:4]}
    return team._replace(**placed, state={name: value.to(device) for name, value in team.state.items()})
