"""The page in a real browser: every journey, with all requests that leave the machine refused."""
