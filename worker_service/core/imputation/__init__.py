"""Ways to impute missing cells, and the benchmark on hidden cells that compares them.

The steps that fill cells belong to `core.recipe.steps`; choosing among them belongs to the planner.
"""
