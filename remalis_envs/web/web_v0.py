"""The constructor of the web environment; the package's docstring is its documentation page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from remalis_envs.arguments import with_known_options
from remalis_envs.errors import RemalisError
from remalis_envs.web.env import WebEnv
from remalis_envs.web.others.tasks import PageChoice, others_choice
from remalis_envs.web.source import Choice, DomainTasks, Source
from remalis_envs.web.team import SOLO


@with_known_options()
def web_v0(
    level: str = "easy",
    *,
    domains: Sequence[str] | None = None,
    split: str = "train",
    team: str | Sequence[str] | None = None,
    engine: str = "chromium",
    roles: str = "overlapping",
    instruction: str = "shared",
    reward_scope: str = "individual",
    rules: Sequence[str] = (),
    strict: bool = False,
    render_mode: str | None = None,
    seed: int | None = None,
    tasks: Source | str | Path | None = None,
) -> WebEnv:
    """Build the web environment.

    Args:
        level: ``easy``, ``medium``, ``hard``, or ``all`` for the mixture.
        domains: names of the domains that tasks are drawn from; by default those of the split.
        split: ``train``, ``validation`` or ``test``: they share no domain, and the same seeds draw other tasks.
        team: ``full`` for the seven roles, ``solo`` for one agent with all rights, or a list of roles; by default
            ``full``, and ``solo`` on pages of others, which know one agent only.
        engine: ``chromium``, or ``model``, which plays the same pages without a browser.
        roles: ``overlapping``: two roles can do most things; ``exclusive``: each trade belongs to one role.
        instruction: ``shared``, or ``split``: each agent is told the clauses of its own trade.
        reward_scope: ``individual`` pays an agent for the sub-tasks that it finished, too; ``team`` pays all the same.
        rules: rules of good order that the mask keeps, and attempts against which are counted:
            ``complete_before_final`` (nothing is made final while the draft lacks something) and ``keep_others_work``
            (nobody throws away what another tab changed last).
        strict: make a masked action an error.
        render_mode: ``rgb_array`` or None.
        seed: of the environment's own generator, which seeds ``reset()`` without a seed.
        tasks: draws tasks of your own; the suite's own by default. ``miniwob/click-test`` and the like are pages of
            MiniWoB++, see :func:`remalis_envs.web.others.miniwob.miniwob_tasks`; a folder has sites of your own, see
            ``remalis_envs/web/others/README.md``.

    Raises:
        UnknownNameError: a name that does not exist; the message has the nearest that does.
        RemalisError: an option that no environment can be built with.
    """
    if isinstance(tasks, str | Path):
        choice = others_choice(tasks, level, domains, split, engine)
        on_pages = isinstance(choice, PageChoice)
        team = SOLO if on_pages and team is None else team
        if on_pages and team != SOLO:
            raise RemalisError(f"pages of others know one agent only: leave team out or say team='solo', not {team!r}")
    else:
        choice = Choice(tasks if tasks is not None else DomainTasks(), level, domains, split)
    return WebEnv(
        choice,
        team="full" if team is None else team,
        engine=engine,
        roles=roles,
        instruction=instruction,
        reward_scope=reward_scope,
        rules=rules,
        strict=strict,
        render_mode=render_mode,
        seed=seed,
    )
