"""Fault injection tests: the whole system while processes, servers and networks fail, and under high load.

Tests of a single module or service do not belong here, also not those that let a stand-in fail.
"""
