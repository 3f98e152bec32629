"""The deterministic simulation: the real client and a model broker on virtual time (docs/simulation.md)."""
