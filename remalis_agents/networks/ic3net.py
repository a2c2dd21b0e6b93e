"""IC3Net: CommNet inside a recurrence, with a gate by which each agent decides whether it talks.

Singh, Jain and Sukhbaatar, "Learning when to Communicate at Scale in Multiagent Cooperative and Competitive Tasks",
2018, arXiv:1812.09755.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from remalis_agents.networks.base import TeamInputs
from remalis_agents.networks.commnet import mean_heard
from remalis_agents.networks.communicating import CommunicatingNetwork, Heard
from remalis_agents.networks.layers import current_groups, layers_of, linear, one_step
from remalis_agents.networks.registry import register_network


class AgentLSTMCell(nn.Module):
    r"""One step of a long short-term memory for each agent.

    .. math:: c' = \sigma(f) c + \sigma(i) \tanh(g), \quad h' = \sigma(o) \tanh(c')

    with i, f, g, o linear in the input and h. Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997. A cell and
    not a sequence, because what is heard between two steps depends on everybody's last one.

    Shapes:
        inputs ``[*, N, inputs]``, h and c ``[*, N, hidden]`` -> h and c.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.input = linear(inputs, 4 * hidden, 1.0)
        self.memory = linear(hidden, 4 * hidden, 1.0, bias=False)

    def forward(self, inputs: Tensor, memory: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        write, keep, new, show = (self.input(inputs) + self.memory(memory)).chunk(4, -1)
        cell = keep.sigmoid() * cell + write.sigmoid() * new.tanh()
        return show.sigmoid() * cell.tanh(), cell


class _Gates(NamedTuple):
    """What a team's gates did in a step: open (1) or not, and the log-probabilities of that, each ``[B, N, R]``."""

    open: Tensor
    log_probs: Tensor


@register_network("ic3net")
class IC3NetNetwork(CommunicatingNetwork):
    r"""Each agent sends its memory, or, where its gate is closed, nothing.

    .. math:: h_i, s_i \leftarrow \mathrm{LSTM}(e_i + C^k \operatorname{mean}_{j \in N_i} g_j h_j, h_i, s_i), \quad
              g_j \sim \mathrm{Bernoulli}(\sigma(w^\top h_j + b))

    in each of R rounds of a step. In the first round the memories are still those of the step before; so R rounds
    carry what is observed now over R - 1 hops. A gate is a decision like an action: it is drawn, and the
    log-probability of all of an agent's gates is part of its own. Where closed gates cost nothing and open ones earn
    their agent nothing, nothing teaches them either: they stay about where ``gate_bias`` puts them.

    Args:
        observation_size: D.
        action_count: A.
        rounds: R, rounds of messages in one step.
        recurrent: width of the memory.
        gate_bias: b at the beginning; agents talk at first.
        **options: see :class:`.CommunicatingNetwork`.
    """

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        rounds: int = 2,
        recurrent: int = 64,
        gate_bias: float = 2.0,
        **options: Any,
    ) -> None:
        super().__init__(observation_size, action_count, recurrent, **options)
        self.rounds, self.message_floats = rounds - 1, rounds * recurrent
        self.recurrent, self.groups = recurrent, current_groups()
        self.cell = AgentLSTMCell(self.width, recurrent)
        self.hear = nn.ModuleList(linear(recurrent, self.width, 1.0, bias=False) for _ in range(rounds))
        self.gate = linear(recurrent, 1, 0.01)
        for part in layers_of(self.gate):
            nn.init.constant_(part.bias, gate_bias)

    def initial_state(self) -> dict[str, Tensor]:
        return {"memory": torch.zeros(self.recurrent), "cell": torch.zeros(self.recurrent)}

    def communicate(self, hidden: Tensor, team: TeamInputs) -> Heard:
        memory, cell, edges = team.state["memory"], team.state["cell"], team.edges()
        memories, gates = [], []
        for t in range(hidden.shape[1]):
            drawn = None if team.drawn is None else team.drawn["gates"][:, t]
            with one_step(self.groups, t):
                memory, cell, now = self._step(hidden[:, t], memory, cell, edges[:, t], drawn, team.sample)
            memories.append(memory)
            gates.append(now)
        opened = torch.stack([now.open for now in gates], 1)
        log_probs = torch.stack([now.log_probs for now in gates], 1).sum(-1)
        state = {"memory": memory, "cell": cell}
        return Heard(torch.stack(memories, 1), {}, state, {"gates": opened}, log_probs)

    def _step(
        self, encoded: Tensor, memory: Tensor, cell: Tensor, edges: Tensor, drawn: Tensor | None, sample: bool
    ) -> tuple[Tensor, Tensor, _Gates]:
        """One step of all rounds; everything is ``[B, N, ...]``."""
        opened, log_probs = [], []
        for k, hear in enumerate(self.hear):
            score = self.gate(memory).squeeze(-1)
            if drawn is not None:
                gate = drawn[..., k]
            elif sample:
                gate = torch.bernoulli(score.detach().sigmoid())
            else:
                gate = (score > 0).to(score.dtype)
            heard = mean_heard(memory * gate.unsqueeze(-1), edges)
            memory, cell = self.cell(encoded + hear(heard), memory, cell)
            opened.append(gate)
            log_probs.append(nn.functional.logsigmoid(torch.where(gate > 0, score, -score)))
        return memory, cell, _Gates(torch.stack(opened, -1), torch.stack(log_probs, -1))
