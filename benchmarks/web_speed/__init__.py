"""What ``benchmarks/speed.py web`` measures: clicks beside a bare pipe and BrowserGym, tabs, resets, episodes."""
