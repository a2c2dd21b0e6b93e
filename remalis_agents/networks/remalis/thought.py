"""What a team thinks in one pass: every intermediate result, for the parts that come after, the losses and records."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from remalis_agents.networks.agent_parts import Read
from remalis_agents.networks.base import TeamInputs, TeamOutput
from remalis_agents.networks.remalis.channel import Belief
from remalis_agents.networks.remalis.grounding import Grounded
from remalis_agents.networks.remalis.intention import Intention
from remalis_agents.networks.remalis.links import Links, Reach
from remalis_agents.networks.remalis.options import Options
from remalis_agents.networks.remalis.post import Post
from remalis_agents.networks.remalis.uncertainty import Ambiguity


class Thought:
    """One pass over a batch of teams, filled from top to bottom.

    Everything is ``[B, T, N, ...]``. What a network leaves out is not set, or None where another part asks for it.
    """

    links: Links
    reach: Reach
    """Whom messages reach that no gate holds back."""
    post: Post
    intention: Intention
    grounded: Grounded
    belief: Belief
    ambiguity: Ambiguity

    read: Read
    """What the agents' vectors say."""
    choices: Tensor | None
    """``[*, K, F]``, features of the own actions."""
    context: Tensor
    """``[*, C]``, what the agent's vector says besides."""
    seen: Tensor
    """``[*, hidden]``, the body's state."""
    spoken: Tensor | None
    """``[*, A]``, a language model's own scores of the actions."""
    things: Tensor
    """``[*, M, F]``, the entities; and which of them exist, ``[*, M]``."""
    thing_exists: Tensor
    subgoal_exists: Tensor
    """``[*, S]``."""
    knowing: Tensor
    """State, coordination patterns and past."""
    past: Tensor
    """Summary of f up to now."""
    goals_heard: Tensor
    """``[*, K, message]``."""
    announced: Reach
    """Of whom something was heard in this step: whose announcement arrived."""
    informed: Tensor
    """All that is known, the own intention, and what was heard."""
    error_logits: Tensor
    error: Tensor
    """E, ``[*]``."""
    uncertainty: Tensor
    """U, ``[*]`` in nats."""
    embedding: Tensor
    """e, ``[*, w]``."""
    module_weights: Tensor
    """``[*, K + 1]``."""
    plan_logits: Tensor
    """``[*, S]``."""
    fresh_plan: Tensor
    """``[*, S]``, what planning says now."""
    plan: Tensor
    """``[*, S + width]``, the plan that stands, and the state behind it."""
    replan_logits: Tensor
    gate_logits: Tensor
    logits: Tensor
    values: Tensor

    def __init__(self, options: Options, team: TeamInputs) -> None:
        self.options, self.team = options, team
        self.state: dict[str, Tensor] = {}
        self.draws: dict[str, Tensor] = {}
        self.log_probs: Tensor | None = None
        self.patterns: Tensor | None = None
        """c, ``[*, coordination]``."""
        self.known: Tensor | None = None
        """``[*, K, message]``, what each teammate said last."""
        self.heard: Tensor | None = None
        """``[*, channel]``, what the agent makes of all it believes."""

    def drawn(self, name: str) -> Tensor | None:
        """What was drawn when this was acted on; None to draw now."""
        return None if self.team.drawn is None else self.team.drawn[name]

    def decide(self, name: str, value: Tensor, logits: Tensor, free: Tensor | None = None) -> None:
        """Notes a decision, 1 or 0, that was drawn with these logits; not ``free`` are those that were forced."""
        self.draws[name] = value
        likelihood = nn.functional.logsigmoid(torch.where(value > 0, logits, -logits))
        if free is not None:
            likelihood = likelihood * free
        self.log_probs = likelihood if self.log_probs is None else self.log_probs + likelihood

    @staticmethod
    def joined(*parts: Tensor | None) -> Tensor:
        """The parts that there are, one behind the other."""
        return torch.cat([part for part in parts if part is not None], -1)

    def output(self) -> TeamOutput:
        """The pass as learner and runner see it."""
        return TeamOutput(self.logits, self.values, {"thought": self}, self.state, self.draws, self.log_probs)
