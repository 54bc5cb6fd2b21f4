"""The settings of every process, read from the environment or a .env file; no other package reads the environment."""
