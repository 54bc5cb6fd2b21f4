"""Management of API keys by an operator: create, list, revoke."""
