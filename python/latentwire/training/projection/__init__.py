"""Training of projectors: a causal sender's keys and values, translated for one receiver."""
