"""How the system is started outside of production: on one machine, and with a stand-in for the language model.

Nothing here is imported by a service.
"""
