"""A process that starts and stops workers of this machine by the length of the queues.

In a cluster the orchestrator does the same with pods.
"""
