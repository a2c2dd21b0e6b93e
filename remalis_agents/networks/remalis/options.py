"""What can be chosen of the network, and the presets: sizes, parts that can be left out, weights of the losses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from remalis_agents.language.options import LanguageModel
from remalis_agents.networks.remalis.confusion import GATES
from remalis_agents.networks.remalis.limits import check_limits
from remalis_agents.networks.remalis.post import MODES
from remalis_agents.networks.remalis.recursion import KINDS
from remalis_envs.errors import RemalisError, unknown

BODIES = ("layers", "transformer")
"""Plain layers over an agent's vector, or a small Transformer over what stands in it."""


@dataclass(frozen=True)
class Losses:
    """Weights of the losses beside PPO's; a loss of weight 0 is not computed, and what only it uses is not built."""

    subgoal: float = 0.1
    """Planning's likelihood of the sub-goal that really came next (equation 1)."""
    intention: float = 0.1
    """Likelihood, by the intention itself, of what was then served, at once and most often: so that its words mean
    what the family's words mean, and a teammate is told something."""
    belief: float = 0.1
    """The coordination reward: how likely the teammate's next sub-goal was, as believed (equation 5)."""
    concept: float = 0.1
    """Cross-entropy of grounding to the true concept, where the environment knows it."""
    confusion: float = 0.01
    """The price of confusing concepts (equation 11)."""
    modules: float = 0.01
    """Cross-entropy of the module weights to the work that each neighbour really did (L_com)."""
    error: float = 0.1
    """Cross-entropy of the estimated coordination error to the environment's record."""
    uncertainty: float = 0.001
    """Kullback-Leibler divergence of the latent reading to the unit normal (equation 3)."""
    auxiliary: float = 0.1
    r""":math:`\lambda`: distance to the policy that knows the feedback alone (equations 8 and 9)."""
    replanning: float = 0.001
    """Cost of planning anew."""
    gate: float = 0.1
    """Squared distance of the share of open gates to their budget, where there is one."""


@dataclass(frozen=True)
class Options:
    """See the attributes; a preset sets the sizes."""

    communication: str = "full"
    """``none``, ``basic``, ``selective`` or ``full``; see :class:`.Announcement`."""
    neighbours: int = 6
    """K, teammates whom an agent can hear at most."""
    feedback: bool = True
    """Whether outcomes go upstream: c, E, U and R (equation 6, algorithm 4)."""
    rounds: int = 1
    """k, rounds of recursive reasoning in a step."""
    recursion: str = "recursive"
    """``recursive``, ``convolution`` or ``recurrent``; see :class:`.RecursiveReasoning`."""
    composition: bool = True
    """Whether neighbours ground together (equation 2)."""
    shared_planning: bool = True
    """Whether planning's graph network runs over the neighbours, or over each agent alone."""
    action_graph: bool = True
    """Whether an agent's actions are scored as a graph (section 3.3.2)."""
    replan_every: int = 6
    """K, steps after which a plan is renewed in any case; 1 to plan anew in each step."""
    gate_budget: float = 1.0
    """Share of steps in which an agent should talk; 1 for always, and no gate."""
    delay: int = 0
    """d, steps that every message takes; 0 for none: what is sent arrives in the same step."""
    drop_rate: float = 0.0
    """Probability that what one agent sends another in a step is lost; one draw a link and step."""
    byte_budget: int | None = None
    """Bytes that cross a link, one way, in a step at most; None for any number. What does not fit is not sent."""
    confusion: str = "damp"
    """``damp``, ``literal`` or ``off``; see :class:`.Confusion`."""
    confusion_strength: float = 0.5
    adversarial_confusion: bool = False
    """Whether the attention in equation 11 is trained to find what is confused; else it is not trained."""
    uncertainty_cost: float = 0.0
    r""":math:`\alpha`: what a nat of grounding uncertainty takes from an agent's reward (section 3.4)."""
    error_cost: float = 0.0
    r""":math:`\beta`: what a coordination error of 1 takes from it."""

    body: str = "layers"
    """``layers`` or ``transformer``, see :class:`.TransformerBody`; a language model takes the place of either."""
    body_layers: int = 2
    """L, of the Transformer."""
    body_heads: int = 4
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the layers of the value, and of the body where it is layers; the last is the width of any body."""
    goal: int = 32
    message: int = 16
    channel: int = 32
    channel_layers: int = 1
    summary: int = 32
    coordination: int = 16
    coordination_heads: int = 2
    grounding: int = 32
    grounding_layers: int = 1
    grounding_heads: int = 2
    planning: int = 32
    planning_layers: int = 1
    latent: int = 8
    """Width of z; 0 for grounding without ambiguity."""
    option_hidden: int = 64
    losses: Losses = field(default_factory=Losses)
    language_model: LanguageModel | None = None
    """The body, see :class:`.LanguageModel`; None for the one that ``body`` names."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("communication", self.communication, MODES),
            ("recursion", self.recursion, KINDS),
            ("confusion", self.confusion, GATES),
            ("body", self.body, BODIES),
        ):
            if value not in known:
                raise unknown(name, value, known)
        if not 0.0 < self.gate_budget <= 1.0:
            raise RemalisError(f"gate_budget is a share of steps above 0 and up to 1, not {self.gate_budget:g}.")
        if self.replan_every < 1:
            raise RemalisError(f"replan_every is the most steps that a plan lasts, 1 or more, not {self.replan_every}.")
        if self.body == "transformer" and (self.body_layers < 1 or self.body_heads < 1):
            raise RemalisError(
                f"A Transformer has 1 layer and 1 head or more, but body_layers is {self.body_layers} and body_heads "
                f"{self.body_heads}."
            )
        if self.body == "transformer" and self.hidden[-1] % self.body_heads:
            raise RemalisError(
                f"The width of a Transformer, the last of hidden, is a multiple of its heads, but {self.hidden[-1]} is "
                f"none of body_heads, {self.body_heads}."
            )
        check_limits(self.delay, self.drop_rate, self.byte_budget)
        if self.rounds < 0 or self.neighbours < 1:
            raise RemalisError(
                f"rounds is 0 or more and neighbours 1 or more, but they are {self.rounds} and {self.neighbours}."
            )

    @property
    def talks(self) -> bool:
        """Whether anything crosses from agent to agent."""
        return self.communication != "none"

    @property
    def whole(self) -> bool:
        """Whether the whole method's messages cross, or only those of the announcement."""
        return self.communication == "full"

    @classmethod
    def of(cls, preset: str = "tiny", **given: Any) -> Options:
        """A preset, with changes.

        Raises:
            UnknownNameError: there is no such preset or option.
            RemalisError: an option's value makes no sense.
        """
        if preset not in PRESETS:
            raise unknown("preset", preset, PRESETS)
        names = {f.name for f in dataclasses.fields(cls)}
        for name in given:
            if name not in names:
                raise unknown("option of the ReMALIS network", name, sorted(names | {"preset"}))
        losses = given.pop("losses", {})
        if isinstance(losses, Mapping):
            known = {f.name for f in dataclasses.fields(Losses)}
            for name in losses:
                if name not in known:
                    raise unknown("loss of the ReMALIS network", name, sorted(known))
            losses = Losses(**losses)
        language_model = LanguageModel.of(given.pop("language_model", None))
        return cls(**{**PRESETS[preset], **given, "losses": losses, "language_model": language_model})


PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {},
    "small": {
        "hidden": (256, 256),
        "goal": 64,
        "message": 32,
        "channel": 64,
        "channel_layers": 2,
        "summary": 64,
        "coordination": 32,
        "grounding": 128,
        "grounding_layers": 2,
        "grounding_heads": 4,
        "planning": 128,
        "planning_layers": 2,
        "latent": 16,
        "option_hidden": 64,
    },
    "paper": {
        "body": "transformer",
        "body_layers": 12,
        "body_heads": 12,
        "hidden": (768, 768),
        "goal": 768,
        "message": 256,
        "channel": 256,
        "channel_layers": 4,
        "summary": 256,
        "coordination": 256,
        "grounding": 768,
        "grounding_layers": 6,
        "grounding_heads": 12,
        "planning": 512,
        "planning_layers": 4,
        "latent": 64,
        "option_hidden": 256,
    },
}
"""Sizes: for a laptop, for a workstation, and as table 6 has them."""
