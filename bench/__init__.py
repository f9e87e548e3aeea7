"""Figures by `make bench`: ratios against a floor in the same run, since a machine's own speed changes by the minute."""
