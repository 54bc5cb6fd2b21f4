"""The rules that propose steps from a profile, one module for each.

Code that reads the data or asks a language model does not belong here.
"""
