"""One message: what becomes of its receiver's decision when it is another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from remalis_agents.explain.causes.heard import Heard, Other, arriving_instead, from_elsewhere, talking, tapped
from remalis_agents.explain.causes.listening import Listened, Moment, probabilities
from remalis_agents.networks.remalis.network import RemalisNetwork

if TYPE_CHECKING:
    from remalis_agents.team import Team


@dataclass(frozen=True)
class Overwritten:
    """What became of one receiver's decision when all that one sender told it in a step was replaced.

    Attributes:
        seed, step: where.
        sender, receiver: rows in the team.
        from_seed, from_step: when the sender told the receiver what it now heard.
        distance: total variation between the receiver's action distributions, in [0, 1].
        changed: whether its best action is another.
        control: the largest such distance of any agent when the message is replaced by itself; 0 or something is wrong.
        beyond: how many agents no message can reach from the receiver in the same step.
        beyond_distance: the largest distance of any of those; 0 or something is wrong.
    """

    seed: int
    step: int
    sender: int
    receiver: int
    from_seed: int
    from_step: int
    distance: float
    changed: bool
    control: float
    beyond: int
    beyond_distance: float


@torch.no_grad()
def think_again(team: Team, moment: Moment, other: Other | None = None) -> Tensor:
    """The action probabilities ``[N, A]`` of a step with other messages; leaves no trace in the team.

    Args:
        team: whose step it was.
        moment: the step; inputs, recurrent state and what the channel lost are the same.
        other: what is heard instead; None for what was heard.
    """
    network, inputs = talking(team), moment.inputs
    if network.options.delay:
        if other is not None:
            inputs = inputs._replace(state=arriving_instead(network, inputs.state, other))
        return probabilities(inputs, team.model.act(inputs))
    with tapped(network, lambda heard: other):
        return probabilities(inputs, team.model.act(inputs))


def distances(one: Tensor, other: Tensor) -> Tensor:
    r"""Total variation :math:`\frac 1 2 \sum_a |p_a - q_a|`, in [0, 1]: ``[N, A]`` twice -> ``[N]``."""
    return 0.5 * (one - other).abs().sum(-1)


def reached(network: RemalisNetwork, heard: Heard, receiver: int) -> Tensor:
    """Whom something that ``receiver`` hears can reach in the same step, itself included: ``[N]`` bool.

    Its first hop is the one to the receiver; as many follow as the network has left, see :attr:`.TeamNetwork.rounds`.
    """
    n = len(heard.sender)
    hears = (heard.sender.unsqueeze(-1) == torch.arange(n)).any(1)
    found = torch.arange(n) == receiver
    for _ in range((network.rounds or 0) - 1):
        found = found | (hears & found).any(1)
    return found


def overwrite(
    team: Team,
    episodes: Sequence[Listened],
    draw_seed: int = 0,
    on_moment: Callable[[int], None] | None = None,
) -> list[Overwritten]:
    """Replaces, at each drawn step, what one drawn agent told another by what it told it at another drawn step.

    That other step is of another episode where the two were linked in one. All messages of the pair in the step are
    replaced, whatever their type. Nothing is played: each step is thought through again, and thrown away.

    Args:
        team: whose episodes they are.
        episodes: from :func:`listen`, with moments.
        draw_seed: of what is drawn.
        on_moment: told how many moments are done.

    Returns:
        One entry for each moment in which some agent heard one whom it also heard in another.
    """
    network, rng, found = talking(team), np.random.default_rng(draw_seed), []
    moments = [moment for episode in episodes for moment in episode.moments]
    for k, moment in enumerate(moments):
        chosen = _draw_link(moment, [one for one in moments if one is not moment], rng)
        if chosen is not None:
            found.append(_overwritten(team, network, moment, *chosen))
        if on_moment is not None:
            on_moment(k + 1)
    return found


def _draw_link(moment: Moment, others: Sequence[Moment], rng: np.random.Generator) -> tuple[int, int, Moment] | None:
    """A receiver, its slot, and another moment in which it heard the same agent; None where there is none."""
    order = [others[int(k)] for k in rng.permutation(len(others))]
    order.sort(key=lambda one: one.seed == moment.seed)  # stable: other episodes first
    links = (moment.heard.sender >= 0).nonzero().tolist()
    for k in rng.permutation(len(links)):
        receiver, slot = links[int(k)]
        sender, mutual = int(moment.heard.sender[receiver, slot]), moment.heard.mutual[receiver, slot]
        for one in order:
            there = one.heard.slot(receiver, sender)
            if there >= 0 and one.heard.mutual[receiver, there] == mutual:
                return receiver, slot, one
    return None


def _overwritten(
    team: Team, network: RemalisNetwork, moment: Moment, receiver: int, slot: int, source: Moment
) -> Overwritten:
    where = torch.zeros_like(moment.heard.mutual)
    where[receiver, slot] = True
    link = Heard(torch.where(where, moment.heard.sender, -1), moment.heard.mutual, [])
    other = from_elsewhere(link, [source.heard])
    again = think_again(team, moment, other)
    same = think_again(team, moment, Other(where, moment.heard.letters))
    apart, outside = distances(again, moment.probabilities), ~reached(network, moment.heard, receiver)
    outside = outside & (moment.inputs.alive[0, 0] > 0)
    return Overwritten(
        seed=moment.seed,
        step=moment.step,
        sender=int(moment.heard.sender[receiver, slot]),
        receiver=receiver,
        from_seed=source.seed,
        from_step=source.step,
        distance=float(apart[receiver]),
        changed=bool(again[receiver].argmax() != moment.probabilities[receiver].argmax()),
        control=float(distances(same, moment.probabilities).max()),
        beyond=int(outside.sum()),
        beyond_distance=float(apart[outside].max()) if bool(outside.any()) else 0.0,
    )
