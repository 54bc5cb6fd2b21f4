"""The REST gateway: REST to gRPC and back, and nothing else."""
