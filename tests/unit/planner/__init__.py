"""Unit tests of the planner, from a table to the proposed steps.

Tests of what the core measures or carries out belong in `tests.unit.core`.
"""
