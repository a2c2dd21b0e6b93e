"""What ``benchmarks/speed.py traffic`` measures: every measurement in a process of its own, repetitions interleaved."""
