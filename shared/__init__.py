"""Infrastructure that two or more services share: database, queue, object store, gRPC, settings, logs, processes.

Business decisions do not belong here, nor does code that only one service uses; that lives with its service.
"""
