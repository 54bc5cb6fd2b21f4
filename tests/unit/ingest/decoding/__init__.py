"""Unit tests of the decoding of files, with files made in memory."""
