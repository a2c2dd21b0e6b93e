"""Joins a cluster that asks for a token, in a process without Ray: prints how it went with ``auto`` or an address."""

from __future__ import annotations

import sys

from remalis_agents.cluster import described, start_ray
from remalis_agents.runs import TrainingError

if __name__ == "__main__":
    try:
        start_ray(sys.argv[1])
        print(described())
    except TrainingError as error:
        print(error)
