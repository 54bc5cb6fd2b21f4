"""Recipes in the form of other tools: programs that prepare tables without this project, queries, and documents."""
