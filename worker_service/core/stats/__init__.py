"""Statistics of one column or of a pair of columns: summaries, outlier fences, correlation, ordinal scales.

No decision about a column is made here; decisions belong to `core.columns` and to the planner.
"""
