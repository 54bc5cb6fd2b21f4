"""Scripts that write what the documentation shows: contracts, reference pages, the picture of the README."""
