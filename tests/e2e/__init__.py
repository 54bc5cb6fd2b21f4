"""Tests of the whole system through its public interfaces.

A test here starts every process and uses only REST and gRPC. Tests of one service belong to `tests/integration`.
"""
