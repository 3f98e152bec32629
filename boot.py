# First of all every relay gets its safe level; faults in config.json are told by main.py.
from node.board import Board
from node.safe import relays

relays(Board())
