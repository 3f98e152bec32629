"""The simulated board: ``boardfile`` is the host's side, ``board/`` the inside."""
