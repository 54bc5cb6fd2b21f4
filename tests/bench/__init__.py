"""Measurements on generated data: `make bench`. Each figure stands beside its baseline from the same run."""
