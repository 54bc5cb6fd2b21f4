"""Start-up of the system on one machine, and a stand-in for the language model.

Nothing here is imported by a service.
"""
