"""The pure heart: profile a table, apply a recipe to it, draw and explain the outcome; values in, values out."""
