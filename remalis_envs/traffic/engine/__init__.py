"""The simulator behind a traffic environment: SUMO in the process, read into flat arrays once a decision."""
