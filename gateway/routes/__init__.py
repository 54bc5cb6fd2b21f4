"""The REST routes, by area; each does no more than take a request apart, call a client, and answer."""
