"""Relations between columns or between rows: dependencies, duplicates, leakage, missingness, the target.

Facts about a single column belong to `core.columns`; deciding what to do about a relation belongs to the planner.
"""
