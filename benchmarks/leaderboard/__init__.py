"""The leaderboard: cells of methods, tasks and seeds, run as Ray tasks, stored once, and told in tables and curves."""
