"""The ARQ worker: claims a run, prepares its table in a child process, publishes the result."""
