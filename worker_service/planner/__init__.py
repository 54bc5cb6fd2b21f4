"""The planner: turn a profile into a recipe.

The rules, the reviewed advice of a language model, and the guards that every recipe passes belong here. Measuring a
table and carrying out a recipe do not: both are in the core.
"""
