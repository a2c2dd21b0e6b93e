"""How fast the trainer samples and learns, beside RLlib's own multi-agent path."""
