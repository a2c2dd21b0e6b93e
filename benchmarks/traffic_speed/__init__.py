"""What ``benchmarks/speed.py traffic`` measures: each contender in a process of its own, in turns of 0.1 s."""
