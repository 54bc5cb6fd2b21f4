"""Unit tests of single rules; tests of the composition of all rules belong in the package above."""
