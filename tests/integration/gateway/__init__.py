"""Tests of the gateway as a process of its own, in front of gRPC servers that serve fakes.

What the services behind it do belongs to the tests of these services.
"""
