"""Unit tests of the planner's use of a language model; the model is a stub, and no test calls a real one."""
