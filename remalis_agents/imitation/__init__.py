"""Imitation: recordings of teams at work, and the supervised stage before PPO that learns from them (equation 4)."""

from __future__ import annotations
