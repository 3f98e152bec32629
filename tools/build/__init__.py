"""The board build: lib/ as the .mpy files that take the fewest bytes of a board's heap."""
