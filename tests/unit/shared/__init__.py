"""Unit tests of `shared`; tests that need a server or a child process are in `tests/integration`."""
