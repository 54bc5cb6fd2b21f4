"""The table itself: a frame of Arrow columns, its distinct values, and the canonical text of a value.

Nothing here interprets a value: types belong to `core.parsing` and `core.columns`, figures to `core.stats`.
"""
