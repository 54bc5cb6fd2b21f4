"""The whole system on one machine: embedded servers and the processes of NeuraLearn under one supervisor.

What only `make run`, `make demo` and the tests need belongs here. The services know nothing of it.
"""
