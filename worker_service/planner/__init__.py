"""Who proposes: rules that turn a profile into a recipe, and the guards every recipe passes through."""
