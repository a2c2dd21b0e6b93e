"""What ``benchmarks/web_miniwob_parity.py`` is made of: episodes recorded on our side and played again on the other."""
