"""The demo: a team learns to run traffic lights and is compared with what engineers use."""
