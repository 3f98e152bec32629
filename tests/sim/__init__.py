"""The real client and a model broker on virtual time: see docs/simulation.md."""
