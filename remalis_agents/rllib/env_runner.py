"""The env runner of a team: a mistake in what it plays ends the training, not one runner after the other.

RLlib takes any exception in a remote runner for an accident and starts the runner anew, so that an environment that is
wrong is never heard of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.actor import exit_actor
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner

from remalis_agents.rllib.faults import tell_mistake
from remalis_envs.errors import RemalisError


class TeamEnvRunner(SingleAgentEnvRunner):
    """RLlib's env runner, which leaves word of a mistake before it ends; see :meth:`.RunnerWatch.look`.

    Mistakes are the suite's own errors about what a user wrote or an environment gave. Anything else may have been an
    accident, and the runner is started anew as RLlib has it.
    """

    def apply(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        def watched(runner: Any, *given: Any, **named: Any) -> Any:
            try:
                return func(runner, *given, **named)
            except Exception as error:
                mistake = _mistake(error)
                if mistake is not None and tell_mistake(self.config.failures_in, mistake):
                    exit_actor()  # at once: RLlib waits a minute before an exception ends a runner
                raise

        return super().apply(watched, *args, **kwargs)


def _mistake(error: BaseException | None) -> RemalisError | None:
    """The suite's own error at the bottom of an exception: RLlib raises errors of environments anew, without words."""
    while error is not None:
        if isinstance(error, RemalisError) and isinstance(error, ValueError):
            return error
        error = error.__cause__ or error.__context__
    return None
