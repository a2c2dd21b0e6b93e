"""ReMALIS: agents that infer what they are after, tell each other, and revise it by what became of it.

Qiu et al., "Towards Collaborative Intelligence: Propagating Intentions and Reasoning for Multi-Agent Coordination
with Large Language Models", 2024, arXiv:2407.12532.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from remalis_agents.networks.agent_parts import ActionHead, AgentReader, ValueHead
from remalis_agents.networks.base import Mean, Played, TeamInputs, TeamNetwork, TeamOutput
from remalis_agents.networks.entities import Entities
from remalis_agents.networks.layout import Layout
from remalis_agents.networks.registry import register_network
from remalis_agents.networks.remalis import objectives
from remalis_agents.networks.remalis.body import NumericBody, body_of
from remalis_agents.networks.remalis.channel import BeliefHead, Channel, Hearing
from remalis_agents.networks.remalis.confusion import Confusion, ConfusionLoss
from remalis_agents.networks.remalis.draws import weights_of
from remalis_agents.networks.remalis.execution import ActionGraph, FeedbackPolicy
from remalis_agents.networks.remalis.feedback import (
    CoordinationError,
    CoordinationFeedback,
    PastSummary,
    ReplanningTrigger,
    ages,
    held,
)
from remalis_agents.networks.remalis.gate import Gate
from remalis_agents.networks.remalis.grounding import Composition, Grounding
from remalis_agents.networks.remalis.intention import Announcement, IntentionInference
from remalis_agents.networks.remalis.kept import KeptLinks
from remalis_agents.networks.remalis.limits import ChannelLimits, letters, within
from remalis_agents.networks.remalis.links import Links, Reach
from remalis_agents.networks.remalis.options import Options
from remalis_agents.networks.remalis.planning import Planning
from remalis_agents.networks.remalis.post import Post
from remalis_agents.networks.remalis.recursion import RecursiveReasoning
from remalis_agents.networks.remalis.thought import Thought
from remalis_agents.networks.remalis.uncertainty import Uncertainty

_CONCEPTS = 8
"""Concepts of a family that has no vocabulary: grounding is then an attention to words without meaning."""


@register_network("remalis")
class RemalisNetwork(TeamNetwork):
    """The whole agent of the paper; :meth:`forward` reads like its algorithm 1.

    Args:
        observation_size: D.
        action_count: A.
        layout: see :class:`.Layout`.
        subgoals: S, sub-goals in the family's vocabulary; 0 where it has none: then actions stand for them.
        concepts: V, concepts in it.
        preset: a name in :data:`.PRESETS`.
        **options: see :class:`.Options`.
    """

    looks_back = True
    trained_by_own_losses = ("belief", "feedback_policy")

    def __init__(
        self,
        observation_size: int,
        action_count: int,
        layout: Layout | Mapping[str, Any] | None = None,
        subgoals: int = 0,
        concepts: int = 0,
        preset: str = "tiny",
        **options: Any,
    ) -> None:
        super().__init__()
        self.options = o = Options.of(preset, **options)
        self.subgoal_count, self.concept_count = subgoals or action_count, concepts or _CONCEPTS
        self.reader = AgentReader(observation_size, action_count, layout)
        # What the options have to do with is read already; see to it only where nothing is said of that.
        self.other_entities = None if self.reader.entities else Entities(observation_size, self.reader.layout)
        with weights_of("body"):
            self.body = body_of(o, self.reader, self.entities.features, action_count)
        self.text = self.body.text
        self._build_feedback()
        self._build_channel()
        self._build_upstream()
        self._build_execution(action_count)
        self.limits = ChannelLimits.of(o)
        self.rounds = self._hops()
        self.message_floats = within([floats for _, floats in letters(o)], o.byte_budget)
        self.correspond: Callable[[TeamInputs], Any] | None = None
        """Makes a pass's links in the place of the team's own: those of an agent that is alone with its messages, see
        :mod:`.alone`, or such over which agents hear something else, see :mod:`remalis_agents.explain.causes`."""
        self._links = KeptLinks()

    # -- the parts, each with weights from its own seed ---------------------------------------------------------------
    def _build_feedback(self) -> None:
        o, width = self.options, self.options.hidden[-1]
        self.feedback = None
        self.told = 0
        if o.feedback:
            self.told = o.coordination
            told_of = self.reader.size if isinstance(self.body, NumericBody) else width
            with weights_of("feedback"):
                self.feedback = CoordinationFeedback(told_of, o.coordination, o.coordination_heads, o.whole)
        with weights_of("summary"):
            self.summary = PastSummary(width + self.told, o.summary)
        self.knowing = width + o.summary + self.told

    def _build_channel(self) -> None:
        o, s = self.options, self.subgoal_count
        with weights_of("intention"):
            self.intention = IntentionInference(self.knowing, s, o.goal, o.message if self.assigns else 0)
        self.recursion = self.belief = self.gate = None
        self.heard = o.channel if o.talks else 0
        if not o.talks:
            return
        with weights_of("channel"):
            self.announcement = Announcement(o.goal, s, o.message, o.communication)
            self.channel = Channel(self.announcement.size, o.channel, o.channel_layers)
            self.hearing = Hearing(o.goal, o.channel, o.channel)
        if o.whole and o.rounds:
            with weights_of("recursion"):
                self.recursion = RecursiveReasoning(o.channel, o.rounds, o.recursion)
        if o.losses.belief:
            with weights_of("belief"):
                self.belief = BeliefHead(o.channel, s, o.goal)
        if o.gate_budget < 1.0:
            with weights_of("gate"):
                self.gate = Gate(o.hidden[-1], o.gate_budget)

    def _build_upstream(self) -> None:
        o, s = self.options, self.subgoal_count
        given = self.knowing + o.goal + 2 * s + self.heard
        self.confusion = Confusion(self.concept_count, o.confusion, o.confusion_strength)
        self.error = self.trigger = self.composition = self.ambiguity = None
        signals = 0
        if o.feedback:
            signals = 2
            with weights_of("error"):
                self.error = CoordinationError(self.knowing + self.heard)
            if o.replan_every > 1:
                with weights_of("replanning"):
                    self.trigger = ReplanningTrigger(self.knowing, o.replan_every)
        with weights_of("grounding"):
            sizes = (self.concept_count, o.grounding, o.grounding_layers, o.grounding_heads)
            told = self.told + 1 if o.feedback else 0
            self.grounding = Grounding(self.entities.features, given, told, *sizes, self.confusion)
        if o.latent:
            with weights_of("uncertainty"):
                self.ambiguity = Uncertainty(o.grounding, o.latent)
        if o.composition and o.whole:
            with weights_of("composition"):
                self.composition = Composition(o.grounding)
        with weights_of("planning"):
            inputs = given + o.grounding + signals
            self.planning = Planning(inputs, s, o.planning, o.planning_layers, o.whole and o.shared_planning)
        with weights_of("confusion"):
            self.confusion_loss = ConfusionLoss(o.grounding, o.adversarial_confusion) if o.losses.confusion else None

    def _build_execution(self, action_count: int) -> None:
        o, s, features = self.options, self.subgoal_count, self.reader.option_features
        context = self.knowing + o.goal + o.grounding + s + o.planning + self.heard
        with weights_of("execution"):
            self.head: nn.Module = (
                ActionGraph(
                    context, action_count, features, o.option_hidden, entity=o.grounding if self.reader.entities else 0
                )
                if features and o.action_graph
                else ActionHead(context, action_count, features, o.option_hidden)
            )
        with weights_of("value"):
            self.value = ValueHead(self.reader.size + self.heard + o.summary + self.told, o.hidden)
        self.feedback_policy = None
        if o.feedback and o.losses.auxiliary:
            with weights_of("feedback policy"):
                self.feedback_policy = FeedbackPolicy(o.summary + self.told, action_count, features, o.option_hidden)

    def _hops(self) -> int:
        """How far what is observed now reaches in one step.

        The outcomes' feedback, the announcement, each round of reasoning, grounding together and each layer of
        planning are one hop each. Where messages take steps to arrive, none arrives in the one in which it was sent.
        """
        o = self.options
        if o.delay:
            return 0
        if not o.whole:
            return int(o.talks)
        return 1 + o.feedback + o.rounds + o.composition + o.shared_planning * o.planning_layers

    # -- algorithm 1 ---------------------------------------------------------------------------------------------------
    def forward(self, team: TeamInputs, valued: bool = True) -> TeamOutput:
        """One pass; ``valued`` says whether anybody will look at the values."""
        t = Thought(self.options, team)
        self.observe_states(t)  # line 6
        self.infer_intentions(t)  # line 7
        self.propagate(t)  # line 8
        self.ground(t)  # line 9
        self.plan(t)  # line 10
        self.act_on(t)  # line 11
        t.values = self.value(t.joined(t.context, t.heard, t.past, t.patterns)) if valued else team.alive
        return t.output()

    def act(self, team: TeamInputs) -> TeamOutput:
        return self(team, valued=False)

    def observe_states(self, t: Thought) -> None:
        """What each agent sees, what its neighbourhood's outcomes were, and what it remembers."""
        team = t.team
        t.read = self.reader.read(team.observations)
        t.choices, t.context = t.read.options, t.read.context
        t.things, t.thing_exists = self._things(t)
        t.seen, t.spoken = self.body(t)
        t.subgoal_exists = self._subgoal_exists(t.thing_exists)
        t.knowing = t.seen
        if self.options.talks:
            t.links, t.reach = self._neighbourhood(team)
            t.state["slots"] = t.links.slots
            opened = self._open(t)
            limits = None if self.limits is None else self.limits.begin(t, alone=t.links.alone)
            t.post = Post(t.links, t.reach, opened, limits)
        if self.feedback is not None:
            # Equation 6 is of the body's states; where that is a few layers, what they are made of serves as well.
            outcomes = t.context if isinstance(self.body, NumericBody) else t.seen
            t.patterns = self.feedback(outcomes, t.post if self.options.whole else None)
            t.knowing = torch.cat([t.knowing, t.patterns], -1)
        t.past, t.state["summary"] = self.summary(t.knowing, team.state["summary"])
        t.knowing = torch.cat([t.knowing, t.past], -1)

    def _open(self, t: Thought) -> Tensor | None:
        """Whose gates are open, ``[*, N, 1]``: decided by what each sees itself, before anything is sent."""
        if self.gate is None:
            return None
        opened, t.gate_logits = self.gate(t.seen, t.drawn("gate"), t.team.sample)
        t.decide("gate", opened, t.gate_logits)
        return opened.unsqueeze(-1)

    def infer_intentions(self, t: Thought) -> None:
        """Goal, sub-goals, what comes next, and who should see to it (section 3.1)."""
        t.intention = self.intention(t.knowing, t.subgoal_exists)
        if not self.options.talks:
            return
        t.goals_heard, t.announced = self.announcement.tell_goal(t.intention, t.post)
        if self.assigns:
            # A teammate is known by what was last heard of it: what it says now is only on its way.
            t.known = torch.cat([t.team.state["known"].unsqueeze(1), t.goals_heard[:, :-1]], 1)
            t.state["known"] = t.goals_heard[:, -1]
            assignment = self.intention.assign(t.knowing, t.known, t.reach.present)
            t.intention = t.intention._replace(assignment=assignment)

    def propagate(self, t: Thought) -> None:
        """Intentions through the channel, then rounds of reasoning about beliefs (equation 5, algorithm 3)."""
        if not self.options.talks:
            t.informed = t.joined(t.knowing, *t.intention.own())
            return
        messages = self.announcement(t.intention, t.goals_heard, t.known, t.post)
        hidden, t.state["channel"] = self.channel(messages, t.announced.delivered, t.team.state["channel"])
        if self.recursion is not None:
            hidden = self.recursion(hidden, t.announced, t.post)
        if self.belief is not None:
            t.belief = self.belief(hidden)
        t.heard = self.hearing(t.intention.goal, hidden, t.announced.delivered)
        t.informed = t.joined(t.knowing, *t.intention.own(), t.heard)

    def ground(self, t: Thought) -> None:
        """What the agent's things are, ambiguous as they may be, and what neighbours make of them (equations 2, 3)."""
        upstream = None
        if self.error is not None:
            t.error_logits = self.error(t.joined(t.knowing, t.heard))
            t.error = t.error_logits.sigmoid()
            upstream = t.joined(t.patterns, t.error.unsqueeze(-1))
        t.grounded = self.grounding(t.things, t.thing_exists, t.informed, upstream)
        t.uncertainty = t.grounded.uncertainty()
        t.embedding = t.grounded.embedding
        if self.ambiguity is not None:
            t.embedding, t.ambiguity = self.ambiguity(t.embedding, t.drawn("noise"), t.team.sample)
            t.draws["noise"] = t.ambiguity.noise
        if self.composition is not None:
            t.embedding, t.module_weights = self.composition(t.embedding, t.post)

    def plan(self, t: Thought) -> None:
        """The next sub-goal; where nothing calls for a new plan, the old one stands (equation 1)."""
        signals = () if self.error is None else (t.error.unsqueeze(-1), t.uncertainty.unsqueeze(-1))
        inputs = t.joined(t.informed, t.embedding, *signals)
        post = t.post if self.planning.talks else None
        t.plan_logits, fresh, hidden = self.planning(inputs, t.subgoal_exists, post)
        t.fresh_plan = fresh
        if self.trigger is None:
            t.plan = torch.cat([fresh, hidden], -1)
            return
        t.replan_logits = self.trigger.logits(t.knowing, t.error)
        age = t.team.state["age"]
        fired = t.drawn("replan")
        if fired is None:
            fired = self.trigger.draw(t.replan_logits, age, t.team.sample)
        before, t.state["age"] = ages(fired, age)
        t.decide("replan", fired, t.replan_logits, free=~self.trigger.forced(before))
        t.plan = held(torch.cat([fresh, hidden], -1), fired, t.team.state["plan"])
        t.state["plan"] = t.plan[:, -1]

    def act_on(self, t: Thought) -> None:
        """Scores of the actions."""
        context = t.joined(t.knowing, t.intention.goal, t.embedding, t.plan, t.heard)
        if isinstance(self.head, ActionGraph):
            t.logits = self.head(t.read, t.grounded.entities, context)
        else:
            t.logits = self.head(t.choices, context)
        if t.spoken is not None:
            t.logits = t.logits + t.spoken

    # -- what stands around it -----------------------------------------------------------------------------------------
    @property
    def assigns(self) -> bool:
        """Whether sub-goals are assigned to teammates."""
        return self.options.communication in ("selective", "full")

    def initial_state(self) -> dict[str, Tensor]:
        o = self.options
        state = {"summary": torch.zeros(o.summary)}
        if o.talks:
            state["slots"] = torch.zeros(o.neighbours)
            state["channel"] = torch.zeros(o.neighbours, o.channel_layers * o.channel)
        if self.assigns:
            state["known"] = torch.zeros(o.neighbours, o.message)
        if self.trigger is not None:
            state["plan"], state["age"] = torch.zeros(self.subgoal_count + o.planning), torch.zeros(())
        if self.limits is not None:
            state |= self.limits.initial_state()
        return state

    def check(self, weights: Mapping[str, Any]) -> None:
        self.body.check(weights)

    def restart_draws(self) -> None:
        for part in (self.gate, self.trigger, self.ambiguity, self.limits):
            if part is not None:
                part.draws.restart()

    def value_heads(self) -> list[nn.Linear]:
        return self.value.last_layers()

    def observe(self, observations: Tensor, alive: Tensor) -> None:
        self.reader.observe(observations, alive)
        if self.other_entities is not None:
            self.other_entities.observe(observations, alive)

    def losses(self, team: TeamInputs, output: TeamOutput, played: Played) -> dict[str, Tensor]:
        return objectives.losses(self, output.extras["thought"], played)

    def costs(self, output: TeamOutput) -> Tensor | None:
        r""":math:`\alpha U + \beta E` of section 3.4, taken from each agent's reward."""
        t: Thought = output.extras["thought"]
        o = self.options
        total = None
        if o.uncertainty_cost:
            total = o.uncertainty_cost * t.uncertainty
        if o.error_cost and self.error is not None:
            total = (0.0 if total is None else total) + o.error_cost * t.error
        return total

    def figures(self, output: TeamOutput, played: Played) -> dict[str, Mean]:
        return objectives.figures(self, output.extras["thought"], played)

    def remember(self, output: TeamOutput, played: Played) -> None:
        """Moves the confusion matrix and its memory (line 14), and the level of the gate."""
        t: Thought = output.extras["thought"]
        true, logits = objectives.labelled_concepts(t, played)
        self.confusion.observe(true, logits.argmax(-1), played.weights)
        if self.gate is not None:
            self.gate.observe(t.gate_logits, played.weights)

    @property
    def entities(self) -> Entities:
        """Reads the things that an agent looks at."""
        found = self.reader.entities or self.other_entities
        assert found is not None
        return found

    def _things(self, t: Thought) -> tuple[Tensor, Tensor]:
        """The entities that the agents look at, and which of them there are."""
        if self.other_entities is not None:
            return self.other_entities(t.team.observations)
        assert t.read.entities is not None and t.read.entity_exists is not None
        return t.read.entities, t.read.entity_exists

    def _subgoal_exists(self, thing_exists: Tensor) -> Tensor:
        """``[*, N, S]``: to serve a thing makes sense where there is one."""
        extra = self.subgoal_count - thing_exists.shape[-1]
        if self.entities.layout is None or extra < 0:
            return torch.ones_like(thing_exists[..., :1]).expand(*thing_exists.shape[:-1], self.subgoal_count)
        return nn.functional.pad(thing_exists, (0, extra), value=1.0)

    def _neighbourhood(self, team: TeamInputs) -> tuple[Links, Reach]:
        """Who hears whom."""
        if self.correspond is None:
            return self._links.of(team)
        links = self.correspond(team)
        return links, Reach(links.heard, links.mutual)
