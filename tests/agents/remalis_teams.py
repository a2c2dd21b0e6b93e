"""Teams for tests of the ReMALIS network's parts."""

from __future__ import annotations

import torch

from remalis_agents.networks import TeamInputs, TeamOutput
from remalis_agents.networks.model import ModelSpec, TeamModel
from remalis_agents.networks.remalis import RemalisNetwork
from remalis_agents.networks.remalis.links import Links, Reach
from remalis_agents.networks.remalis.post import Post

ARMS, ARM_FEATURES, ACTIONS, ACTION_FEATURES, REST = 4, 3, 5, 3, 4
LAYOUT = {
    "start": 0,
    "count": ACTIONS,
    "features": ACTION_FEATURES,
    "exists": 0,
    "entity_start": ACTIONS * ACTION_FEATURES,
    "entity_count": ARMS,
    "entity_features": ARM_FEATURES,
    "entity_exists": 0,
}
SIZE = ACTIONS * ACTION_FEATURES + ARMS * ARM_FEATURES + REST
SUBGOALS, CONCEPTS = ARMS + 2, 5


def network(seed: int = 0, spread: float = 0.2, **options: object) -> RemalisNetwork:
    """The network for agents of four arms and five actions; initial heads are small and would hide differences."""
    torch.manual_seed(seed)
    spec = ModelSpec("remalis", SIZE, ACTIONS, 4, dict(options), LAYOUT, subgoals=SUBGOALS, concepts=CONCEPTS)
    made = TeamModel(spec).network
    assert isinstance(made, RemalisNetwork)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(spread * torch.randn(parameter.shape))
    return made


def team(edges: torch.Tensor, seed: int = 0, arms: int = ARMS) -> TeamInputs:
    """Agents along ``edges`` ``[B, T, N, N]``, of whose arms the first ``arms`` exist; actions are drawn."""
    generator = torch.manual_seed(seed)
    lead = edges.shape[:-1]
    observations = torch.randn(*lead, SIZE, generator=generator)
    observations[..., : ACTIONS * ACTION_FEATURES].unflatten(-1, (ACTIONS, -1))[..., 0] = 1.0
    block = observations[..., ACTIONS * ACTION_FEATURES : -REST].unflatten(-1, (ARMS, ARM_FEATURES))
    block[..., 0] = 1.0
    block[..., arms:, :] = 0.0
    return TeamInputs(observations, torch.ones(lead), edges, torch.ones(*lead, ACTIONS))


def begin(net: RemalisNetwork, given: TeamInputs) -> TeamInputs:
    """The same at the start of an episode."""
    b, n = given.alive.shape[0], given.alive.shape[-1]
    return given._replace(state={k: v.expand(b, n, *v.shape).clone() for k, v in net.initial_state().items()})


def think(net: RemalisNetwork, given: TeamInputs) -> TeamOutput:
    """A pass from the start of an episode."""
    return net(begin(net, given))


def line(agents: int, steps: int = 1, batch: int = 1) -> torch.Tensor:
    """Each agent hears the one before it and the one after it, ``[B, T, N, N]``."""
    one = torch.diag(torch.ones(agents - 1), 1)
    return (one + one.T).expand(batch, steps, agents, agents).clone()


def post_of(edges: torch.Tensor, slots: int = 3) -> Post:
    """Delivers along ``edges`` ``[B, T, N, N]``."""
    links = Links(torch.zeros(edges.shape[0], edges.shape[-1], slots), edges)
    return Post(links, Reach(links.heard, links.mutual))


def row_of(post: Post, receiver: int, sender: int) -> int:
    """The slot in which ``receiver`` hears ``sender``, in the first team and step."""
    found = ((post.links.index[0, 0, receiver] == sender) & (post.links.heard[0, 0, receiver] > 0)).nonzero()
    return int(found[0, 0])
