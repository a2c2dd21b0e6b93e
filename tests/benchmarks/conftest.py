"""What the leaderboard's tests share: the benchmarks and the toy games on the path, and results that are made up."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [str(ROOT / "benchmarks"), str(ROOT / "tests" / "agents")]
sys.path[:0] = [folder for folder in (*FOLDERS, str(ROOT / "tests" / "benchmarks")) if folder not in sys.path]
# The processes of the cells find the toy games by it.
os.environ["PYTHONPATH"] = os.pathsep.join([*FOLDERS, *filter(None, [os.environ.get("PYTHONPATH")])])
