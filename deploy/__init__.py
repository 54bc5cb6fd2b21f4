"""Running NeuraLearn somewhere: on this machine, in containers, on a cluster. No service imports it."""
