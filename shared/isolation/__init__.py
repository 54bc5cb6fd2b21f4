"""Child processes for CPU work and for the parsing of files of strangers: killable, limited and confined.

What a child does belongs to the services; nothing here knows tables.
"""
