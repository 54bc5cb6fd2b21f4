"""Tests of single services and of shared infrastructure on real servers.

The servers are PostgreSQL, Valkey, gRPC servers and object stores. Tests without a server belong to `tests/unit`,
tests of the whole system to `tests/e2e`.
"""
