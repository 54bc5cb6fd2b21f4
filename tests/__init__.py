"""The suite: unit, conformance, integration, e2e."""
