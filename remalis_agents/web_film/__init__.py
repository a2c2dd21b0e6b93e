"""People look at the web environment: films, film strips, and traces that replay exactly."""
