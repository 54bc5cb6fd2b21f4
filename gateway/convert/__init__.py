"""Protobuf messages to JSON models and back; pure functions."""
