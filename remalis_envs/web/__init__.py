"""A team of seven specialists finishes tasks on web sites, in a sandboxed Chromium or on the same pages without it.

All share one login; each has a tab of its own. Everyone may open pages, read, and write facts into a shared notebook;
the right to change things is parted as an office parts it, see :data:`remalis_envs.web.roles.ROLES`.

| | |
|---|---|
| Agents | the seven roles, a list of roles (``team=["searcher", "reader", "verifier"]``), or one agent with all \
rights (``team="solo"``) |
| Actions | ``Discrete(80)``: wait, move the window, go back or home, open a tool site, 4 texts of one's own, and a \
window of 64 candidates of the own page |
| Observations | ``Dict(observation=Box(-4, 4, (D,), float32), action_mask=Box(0, 1, (80,), int8))`` |
| Rewards | change of the share of the task's checks that hold, +1 for success, -0.5 for each forbidden effect, -0.01 \
a step; to an agent also 0.5 shared out over the sub-tasks that it finished |
| End | terminated at the first confirmation, payment or submission; truncated when the budget is used up (8 team \
steps on easy, 40 on medium, 120 on hard) |
| State | float32: sub-tasks finished, what holds, budget, and what each agent does |

**Actions.** ``remalis_envs.web.actions`` names them. Action 0 waits and is always legal. A candidate is an item of the
page and an operation: follow a link, press a button, toggle a box, open a tab or a disclosure, fill a field with a
value from the notebook or from the instruction, choose an option, record a text into the notebook. Candidates stand in
page order; a page with more than 64 is seen part by part. A masked action becomes waiting, with
``infos[agent]["masked"]``. Actions are dispatched in the order of ``possible_agents``, one after what the one before
wrote is committed; then all pages are read.

**Observations.** ``remalis_envs.web.observations`` names every number: a row for each action, then the agent's role,
its page, its own last outcome, the instruction and the notebook. The notebook holds eight facts; what is recorded shows
one step later, and the oldest goes.

**Infos.** ``subgoal`` and ``concept`` are indices into ``env.subgoals`` and ``env.concepts``: what the last action
served, and what the control that was acted on really does. ``misaligned`` is 1 where the agent worked on a sub-task
that somebody else was on or whose inputs did not exist, 0 where it fitted, -1 where it worked on none; ``carried`` the
sub-tasks that it finished in the last ten steps. They train and score, and never belong into a policy.
``infra_error`` is true where the browser died; ``env.infra_error`` says why.

**Text.** ``describe(agent)``, ``action_texts(agent)`` and ``parse(agent, text)`` are for language models;
``parse(agent, 'fill "Name" with "anything"')`` puts words of its own into a field.

``env.task`` is the task with all that the team is not told, ``env.oracle()`` the joint action of one who knows it.
``env.screenshot(agent)`` is a picture of the agent's tab, as PNG; ``remalis play --env web`` films the whole team.

**Pages of others.** ``web_v0(tasks="miniwob/click-test")`` is a page of MiniWoB++ for one agent,
``web_v0(tasks="my/folder")`` plays sites of your own; see ``remalis_envs/web/others/README.md``.

Version history: v0, the first.
"""

from __future__ import annotations

from remalis_envs.web.web_v0 import web_v0

__all__ = ["web_v0"]
