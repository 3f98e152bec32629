"""Device kinds: one file and one class `Device` each, named by "kind" in the configuration and
imported only when configured. The contract is in docs/extending.md."""
