"""PipelineService: start and watch runs, and the periodic jobs that go with them.

The reconciler, the garbage collector and the webhook sender belong here. Code that prepares a table does not: it
belongs to the worker, the planner and the core.
"""
