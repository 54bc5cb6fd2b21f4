"""Attacks: hostile files and requests that must be refused without a trace."""
