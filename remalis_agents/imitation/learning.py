r"""Learning from demonstrations: the execution loss of equation 4 beside the network's own losses.

.. math:: L = L_{exe} + \sum_k L_k, \quad
          L_{exe} = -\overline{\log \pi_i(a_i \mid s_i, I_i, c_i)}

over the demonstrated actions of the agents that were alive and online. A network that remembers learns from sequences
that begin with the state which it has itself by then, and with what it drew on the way, as PPO does: before each epoch
it is played through all episodes, step by step.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from remalis_agents.imitation.read import Demonstrations, Windows
from remalis_agents.imitation.schema import SPLITS
from remalis_agents.networks import Played, TeamInputs, TeamOutput
from remalis_agents.networks.acting import mask_logits
from remalis_agents.networks.base import Mean
from remalis_agents.networks.model import TeamModel
from remalis_agents.networks.remalis.losses import imitation_loss
from remalis_agents.networks.scale import RunningScale
from remalis_agents.runs import TrainingError

NO_PRICE = ("replanning_loss",)
"""Own losses that are left out: costs of decisions for which only a reward pays. Here nothing speaks for a new plan,
and an optimiser that scales gradients would drive even a small cost home."""
Figures = dict[str, float]
_AT_ONCE = 32
"""Episodes that a network is played through side by side."""
_ALIKE = 32
"""Minibatches among which steps are ordered by how many options there are."""


class Imitator:
    """Trains a model on demonstrations, an epoch at a time.

    Args:
        model: the team's model, trained in place.
        data: the demonstrations, on the model's device.
        length: T, steps of a sequence.
        batch_size: sequences in a minibatch; a network without a memory gets as many steps, whatever their order.
        lr: learning rate, after the warm-up.
        weight_decay: AdamW's, the Omega of section 3.4.
        warmup_epochs: over which the learning rate ramps up from 0.
        decay_epochs: after which it has fallen to 0, as a cosine does; 0 for a rate that stays.
        begun_epochs: of these, those that were learnt from earlier data.
        grad_clip: largest norm of a gradient.
        seed: of the order of minibatches.
    """

    def __init__(
        self,
        model: TeamModel,
        data: Demonstrations,
        *,
        length: int,
        batch_size: int,
        lr: float,
        weight_decay: float = 0.01,
        warmup_epochs: float = 1.0,
        decay_epochs: int = 0,
        begun_epochs: int = 0,
        grad_clip: float = 0.5,
        seed: int = 0,
    ) -> None:
        self.model, self.data, self.grad_clip = model, data, grad_clip
        self.remembers = bool(model.network.initial_state())
        # Without a memory the order of steps means nothing: each is a sequence of its own.
        self.windows = Windows.of(data, length if self.remembers else 1)
        self.batch_size = batch_size if self.remembers else batch_size * length
        legal = data.columns["action_mask"].amax(1) > 0
        numbers = torch.arange(legal.shape[1], device=legal.device, dtype=torch.int16)
        self._options = (legal * numbers).amax(1)
        """Of each step, the number of the last action that is legal for any agent."""
        own = self.windows.rows.clamp(min=0)
        learnt = (data.split[own] == 0) & (self.windows.rows >= 0)
        self.learnt_from = learnt.any(1).nonzero().squeeze(1)
        self._states: dict[str, Tensor] = {}
        self._drawn: dict[str, Tensor] = {}
        self._drew: bool | None = None
        """Whether the states at hand are of a pass that drew; None where there are none of the present weights."""
        self._generator = torch.Generator().manual_seed(seed)
        trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(trainable, lr=lr, weight_decay=weight_decay)
        of_epoch = -(-len(self.learnt_from) // self.batch_size)
        warmup, last, begun = (epochs * of_epoch for epochs in (warmup_epochs, decay_epochs, begun_epochs))
        rate = partial(_rate, warmup=warmup, last=last, begun=begun)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, rate)
        self.epochs = self.updates = 0

    def fit_scales(self) -> None:
        """Has the network take note of the training part's observations, until its running scales have settled.

        So that PPO, which goes on from these weights, does not move the scales that they were learnt with.
        """
        scales = [part.settled for part in self.model.network.modules() if isinstance(part, RunningScale)]
        rows = (self.data.split == 0).nonzero().squeeze(1)
        rows = rows[torch.randperm(len(rows), generator=self._generator).to(rows.device)]
        for part in rows.tensor_split(min(max(scales, default=1), len(rows))):
            self.model.network.observe(self.data.columns["obs"][part], self.data.columns["alive"][part])

    def epoch(self) -> Figures:
        """Learns once from every training sequence.

        Returns:
            Means over the minibatches: ``imitation_loss``, ``total_loss``, the own losses, ``gradient_norm``.

        Raises:
            TrainingError: a loss is not a finite number.
        """
        self._play_through(draws=True)
        self.model.train()
        sums: Figures = {}
        batches = list(self._minibatches())
        for batch in batches:
            losses = self._update(batch)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
        self.epochs += 1
        self._drew = None
        return {name: value / len(batches) for name, value in sums.items()}

    def _minibatches(self) -> Iterator[Tensor]:
        order = torch.randperm(len(self.learnt_from), generator=self._generator).to(self.learnt_from.device)
        mixed = self.learnt_from[order]
        if self.remembers:
            return iter(mixed.split(self.batch_size))
        # Networks look at as many options as the largest of a minibatch has, so that like sizes cost least together.
        sizes = self._options[self.windows.rows[mixed, 0]]
        alike = [
            part[sizes[begin : begin + len(part)].argsort()]
            for begin, part in zip(
                range(0, len(mixed), _ALIKE * self.batch_size), mixed.split(_ALIKE * self.batch_size), strict=True
            )
        ]
        batches = [batch for part in alike for batch in part.split(self.batch_size)]
        shuffled = torch.randperm(len(batches), generator=self._generator).tolist()
        return (batches[number] for number in shuffled)

    def _update(self, batch: Tensor) -> Figures:
        team, played = self._inputs(batch, 0)
        output = self.model(team)
        own = self.model.network.losses(team, output, played)
        losses = {"imitation_loss": imitation_loss(output.logits, team.action_mask, played.actions, played.weights)}
        losses |= {name: loss for name, loss in own.items() if name not in NO_PRICE}
        total = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(total):
            wrong = [name for name, loss in losses.items() if not torch.isfinite(loss)]
            raise TrainingError(f"Imitation stopped: {', '.join(wrong)} is no finite number. Try a smaller lr.")
        self.optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.grad_clip)
        self.optimizer.step()
        self._schedule.step()
        self.updates += 1
        if self.epochs == 0:  # once a demonstrated step, as PPO does once a collected one
            with torch.no_grad():
                self.model.network.remember(output, played)
        found = {name: float(loss.detach()) for name, loss in losses.items()}
        return {**found, "total_loss": float(total.detach()), "gradient_norm": float(norm)}

    def _inputs(self, batch: Tensor, part: int) -> tuple[TeamInputs, Played]:
        """Sequences for a pass, in whose losses and figures only the steps of one part of the split count."""
        rows = self.windows.rows[batch]
        if not self.remembers:
            return self.data.of(rows.squeeze(1), self.data.split[rows.squeeze(1)] == part)
        own = rows.clamp(min=0)
        state = {name: value[batch] for name, value in self._states.items()}
        team, played = self.data.of(rows, (self.data.split[own] == part) & (rows >= 0), state)
        return team._replace(drawn={name: value[own] for name, value in self._drawn.items()} or None), played

    @torch.no_grad()
    def judge(self, parts: Sequence[str] = SPLITS, draws: bool = False) -> dict[str, Figures]:
        """How well the network as it stands does what was demonstrated.

        Args:
            parts: of the split.
            draws: whether a network that remembers draws on the way what it may draw, as in training (the next epoch
                then needs no other pass), or takes the most probable, as in evaluation.

        Returns:
            For each part: ``imitation_loss`` in nats, ``action_accuracy`` (the share of agents' actions that were the
            likeliest), ``decisions`` (how many), and the network's own figures.
        """
        self._play_through(draws)
        self.model.eval()
        found = {}
        for name in parts:
            part, sums = SPLITS.index(name), dict[str, Mean]()
            rows = self.windows.rows
            inside = ((self.data.split[rows.clamp(min=0)] == part) & (rows >= 0)).any(1).nonzero().squeeze(1)
            for batch in inside.split(self.batch_size):
                team, played = self._inputs(batch, part)
                output = self.model(team._replace(sample=False))
                self._add(sums, output, team.action_mask, played)
            count = float(sums["imitation_loss"].weight) if sums else 0.0
            found[name] = {**{k: float(one.value) for k, one in sums.items()}, "decisions": count}
        return found

    @torch.no_grad()
    def _play_through(self, draws: bool) -> None:
        """Takes the network through all episodes as if it played them.

        Keeps what it drew, and the states with which sequences begin.
        """
        if not self.remembers or self._drew == draws:
            return
        self.model.eval()
        self._drawn = {}
        start = self.model.initial_state(self.data.agents)
        device, length = self.windows.rows.device, self.windows.rows.shape[1]
        self._states = {n: v.new_zeros((len(self.windows.rows), *v.shape), device=device) for n, v in start.items()}
        windows = torch.arange(len(self.windows.rows), device=device)
        for group in torch.arange(len(self.data.lengths), device=device).split(_AT_ONCE):
            state = {n: v.to(device).expand(len(group), *v.shape).clone() for n, v in start.items()}
            playing = group
            for step in range(max(self.data.lengths[e] for e in group.tolist())):
                if step % length == 0:
                    now = torch.isin(self.windows.episode, playing) & (self.windows.number == step // length)
                    going_on = torch.isin(playing, self.windows.episode[now])
                    playing, state = playing[going_on], {name: value[going_on] for name, value in state.items()}
                    for name, value in state.items():
                        self._states[name][windows[now]] = value
                state = self._step(self.windows.rows[now, step % length], state, draws)
        self._drew = draws

    def _step(self, rows: Tensor, state: dict[str, Tensor], draws: bool) -> dict[str, Tensor]:
        """One step of several episodes, ``[B]``.

        One that has ended (-1) goes on as padding to the end of its last sequence.
        """
        team, _ = self.data.of(rows.unsqueeze(1), rows.unsqueeze(1) >= 0, state)
        output = self.model.act(team._replace(sample=draws))
        for name, value in output.drawn.items():
            if name not in self._drawn:
                self._drawn[name] = value.new_zeros((len(self.data), *value.shape[2:]))
            self._drawn[name][rows[rows >= 0]] = value[rows >= 0, 0]
        return output.state

    def _add(self, sums: dict[str, Mean], output: TeamOutput, action_mask: Tensor, played: Played) -> None:
        """Adds a batch's figures, each over what it counts."""
        count = played.weights.sum()
        hits = mask_logits(output.logits, action_mask).argmax(-1) == played.actions
        loss = imitation_loss(output.logits, action_mask, played.actions, played.weights)
        found = {
            "imitation_loss": Mean(loss * count, count),
            "action_accuracy": Mean.of(hits.to(played.weights.dtype), played.weights),
            **self.model.network.figures(output, played),
        }
        for name, one in found.items():
            sums[name] = sums[name].plus(one) if name in sums else one

    def weights(self) -> dict[str, Tensor]:
        """A copy of the model's weights, to go back to."""
        return copy.deepcopy(self.model.state_dict())

    def go_back(self, weights: dict[str, Tensor]) -> None:
        """Takes over weights that :meth:`weights` gave."""
        self.model.load_state_dict(weights)
        self._drew = None


def _rate(update: int, warmup: float, last: float, begun: float) -> float:
    """The share of the learning rate at an update, from 0, where ``begun`` of those to the ``last`` came before."""
    ramp = min(1.0, (update + 1) / max(1.0, warmup))
    return ramp * (0.5 + 0.5 * math.cos(math.pi * min(1.0, (begun + update) / last))) if last else ramp
