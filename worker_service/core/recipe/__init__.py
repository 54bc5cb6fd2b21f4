"""Recipes, applying them to a frame, and the ledger of what they changed.

Deciding which steps a recipe has belongs to the planner; writing about them belongs to `core.reporting`.
"""
