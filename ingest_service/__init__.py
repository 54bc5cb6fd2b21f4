"""Accepts datasets: receives, decodes, validates, stores, and queues their preparation."""
