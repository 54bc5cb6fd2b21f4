"""The settings of every process, read from the environment or a .env file.

No other package reads the environment. Constants that no deployment changes do not belong here; they stand where they
are used.
"""
