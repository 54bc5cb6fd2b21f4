"""The ARQ worker: claim a run, prepare its table in a child process, publish the result.

Leases, child processes, stored artifacts and the metrics of runs belong here. What is done to a table does not: it is
proposed by the planner and carried out by the core.
"""
