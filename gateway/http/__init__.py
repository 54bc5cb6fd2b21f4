"""The HTTP side of the gateway: middleware, problems, protocol limits, downloads. No route lives here."""
