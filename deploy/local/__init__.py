"""The whole system on one machine, under one supervisor and with embedded servers.

What only `make run`, `make demo` and the tests need belongs here. The services know nothing of it.
"""
