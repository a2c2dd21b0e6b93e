"""Layers: a recurrent unit says the same in one pass over a sequence and step by step."""

from __future__ import annotations

import pytest
import torch

from remalis_agents.networks.layers import AgentGRU, Groups, sharing


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("rows", [(5,), (5, 3)], ids=["agents", "slots"])
@pytest.mark.parametrize("count", [0, 2], ids=["shared", "grouped"])
def test_acting_step_by_step_gives_what_learning_from_the_sequence_gives(layers, rows, count):
    torch.manual_seed(0)
    groups = Groups(count) if count else None
    with sharing(groups):
        unit = AgentGRU(7, 4, layers)
    if groups is not None:
        groups.index = torch.arange(rows[0]).remainder(count).expand(2, 6, -1)
    inputs, state = torch.randn(2, 6, *rows, 7), torch.randn(2, *rows, 4 * layers)
    whole, last = unit(inputs, state)
    assert whole.requires_grad
    steps = []
    with torch.no_grad():
        for t in range(6):
            output, state = unit(inputs[:, t : t + 1], state)
            steps.append(output)
    torch.testing.assert_close(torch.cat(steps, 1), whole, rtol=0, atol=1e-6)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-6)
