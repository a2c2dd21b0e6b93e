"""Random inputs for tests of networks."""

from __future__ import annotations

import torch

from remalis_agents.networks import TeamInputs, TeamNetwork, TeamOutput

COUNT, FEATURES, TYPES, REST = 8, 5, 3, 4
LAYOUT = {"start": 2, "count": COUNT, "features": FEATURES, "exists": 0, "types": 42, "type_count": TYPES}
SIZE = 2 + COUNT * FEATURES + TYPES + REST - 2


def inputs(batch: int = 3, agents: int = 4, options: int = 5, seed: int = 0, edges: str = "all") -> TeamInputs:
    """A batch of teams; ``edges`` is all, none or line (each hears the one before it and the one after it)."""
    generator = torch.manual_seed(seed)
    observations = torch.randn(batch, agents, SIZE, generator=generator)
    rows = observations[..., 2 : LAYOUT["types"]].unflatten(-1, (COUNT, FEATURES))
    rows[..., 0] = 1.0
    rows[..., options:, :] = 0.0
    types = torch.randint(TYPES, (batch, agents), generator=generator)
    observations[..., LAYOUT["types"] : LAYOUT["types"] + TYPES] = torch.nn.functional.one_hot(types, TYPES).float()
    mask = torch.zeros(batch, agents, COUNT)
    mask[..., :options] = 1.0
    links = {"all": torch.ones(agents, agents), "none": torch.zeros(agents, agents)}
    line = torch.diag(torch.ones(agents - 1), 1) if agents > 1 else torch.zeros(1, 1)
    links["line"] = line + line.T
    adjacency = links[edges].expand(batch, agents, agents).clone()
    return TeamInputs(observations, torch.ones(batch, agents), adjacency, mask)


def permuted(team: TeamInputs, order: torch.Tensor) -> TeamInputs:
    """The same team with its agents in another order."""
    return team._replace(
        observations=team.observations[:, order],
        alive=team.alive[:, order],
        adjacency=team.adjacency[:, order][:, :, order],
        action_mask=team.action_mask[:, order],
    )


def run(network: TeamNetwork, team: TeamInputs) -> TeamOutput:
    """One step from the initial state, whether the network has one or not; results are ``[B, N, ...]``."""
    start = network.initial_state()
    if not start:
        return network(team)
    batch, agents = team.alive.shape
    one = {name: getattr(team, name).unsqueeze(1) for name in team._fields[:4]}
    drawn = None if team.drawn is None else {name: value.unsqueeze(1) for name, value in team.drawn.items()}
    state = {name: value.expand(batch, agents, *value.shape).clone() for name, value in start.items()}
    output = network(team._replace(**one, state=state, drawn=drawn))
    return output._replace(
        logits=output.logits[:, 0],
        values=output.values[:, 0],
        drawn={name: value[:, 0] for name, value in output.drawn.items()},
        log_probs=None if output.log_probs is None else output.log_probs[:, 0],
    )
