"""The contracts, and the scripts that generate code from them and export them."""
