"""How much the columns of the engineered table help models: leave-one-out evaluation, and the choice of features.

Computing the features belongs to the steps; which ones are tried is decided by the planner.
"""
