"""In-memory fakes of the gRPC services, for tests of their clients.

Only fakes that implement a whole service belong here; a fake that one test needs stands in that test.
"""
