"""The link meter: what our client reaches over a link to a broker. See docs/measure.md."""
