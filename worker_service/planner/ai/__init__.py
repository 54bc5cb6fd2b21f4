"""Advice of a language model: ask for it, check it against the data, and merge what stands into a recipe.

Rules that need no model do not belong here: they are in `planner.rules`.
"""
