"""The simulated board, seen from the host: see ``boardfile`` (host side) and ``board/`` (inside)."""
