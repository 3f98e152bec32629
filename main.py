import node.boot
from node.board import Board

node.boot.program(Board())()
