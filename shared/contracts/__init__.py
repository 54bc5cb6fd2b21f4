"""Pure values that two or more processes agree on: vocabulary, options, results, object keys, charts, text of cells.

Nothing here reads a clock, an environment, a network or a database; it is all of ours that `worker_service.core` may
import.
"""
