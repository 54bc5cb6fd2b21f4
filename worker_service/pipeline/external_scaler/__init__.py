"""The interface by which KEDA scales workers; that it is KEDA's own is all that is special about it."""
