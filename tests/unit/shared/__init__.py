"""Unit tests of `shared`, without servers and child processes; those that need them are in `tests/integration`."""
