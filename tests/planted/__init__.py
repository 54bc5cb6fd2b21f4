"""Generated tables whose faults are known by cell, and the evaluation of what a preparation made of them.

Nothing here prepares a table or prints a figure: see `tests.bench`.
"""
