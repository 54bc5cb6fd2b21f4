"""Turns a decoded table into a prepared one: the pipeline service, its workers and the pure core they run."""
