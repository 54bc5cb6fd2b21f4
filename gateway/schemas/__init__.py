"""The JSON that REST answers, as pydantic models. No conversion is done here."""
