"""One client for each service behind the gateway; they take and return JSON models."""
