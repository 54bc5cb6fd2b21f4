"""Benchmarks on generated data (`make bench`), each with a baseline from the same run.

Measurements that only print figures belong here. Tests that can fail do not.
"""
