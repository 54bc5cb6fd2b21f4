"""Unit tests of the drawing of charts, with data made by `charts`."""
