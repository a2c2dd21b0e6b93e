"""Small games with known answers that tell what a method can do."""

from __future__ import annotations

from remalis_envs.diagnostics.partners import Partners, partners_v0

__all__ = ["Partners", "partners_v0"]
