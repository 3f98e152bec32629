# First of all: is it to be the node, whose relays then get their safe level, or its safe mode?
import node.boot
from node.board import Board

node.boot.decide(Board())
