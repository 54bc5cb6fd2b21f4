"""Asking a language model and holding its advice against the data. Rules that need no model are not here."""
