"""One way to serve gRPC, to call it, and to carry errors across it."""
