"""A recipe, applying it to a frame, and the ledger of what it changed.

Deciding which steps a recipe has belongs to the planner.
"""
