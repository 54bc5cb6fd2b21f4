"""How far a table has moved from the one that a recipe was made from: baselines, their comparison, broken contracts.

What a recipe does with such a table belongs to `recipe`; here nothing is changed.
"""
