"""The steps of recipes as functions of pandas tables; exported programs hold the source of those that they use.

They may import pandas, numpy, scipy, scikit-learn, and those modules of the core that do not import pyarrow or pydantic
where they are used. A step that adds a note to a table does so in a column whose name begins with one of `NOTES`.
"""
