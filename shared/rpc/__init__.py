"""Serving and calling gRPC: servers, channels, interceptors, conversion of messages and errors.

What a single service offers does not belong here; its servicer lives with the service, its messages in `protos/`.
"""
