"""One module for each rule that proposes steps from a profile. No rule touches the data or asks a model."""
