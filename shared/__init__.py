"""Infrastructure that services share: database, queue, object store, gRPC, settings, logs, processes.

Business decisions do not belong here, nor does code that only one service uses; it stands in that service.
"""
