"""Teams that read, for tests of language-model bodies."""

from __future__ import annotations

from pathlib import Path

import torch
from remalis_teams import ACTIONS, network, team

from remalis_agents.networks import TeamInputs
from remalis_agents.networks.remalis import RemalisNetwork

LENGTH = 24


def reader(folder: Path, seed: int = 0, spread: float = 0.2, **options: object) -> RemalisNetwork:
    """The network of ``remalis_teams`` with a language model as its body; ``language_model`` options besides."""
    own = {"path": str(folder), "max_tokens": 128, **dict(options.pop("language_model", {}))}  # type: ignore[call-overload]
    return network(seed, spread, language_model=own, **options)


def readings(edges: torch.Tensor, seed: int = 0) -> TeamInputs:
    """As ``remalis_teams.team``, each agent with a text of its own; one action of five is illegal."""
    given = team(edges, seed)
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(1, 250, (*given.alive.shape, LENGTH), generator=generator, dtype=torch.int32)
    tokens[..., : LENGTH // 4] = 0
    mask = given.action_mask.clone()
    mask[..., ACTIONS - 1] = 0.0
    return given._replace(tokens=tokens, action_mask=mask)
