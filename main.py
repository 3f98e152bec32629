from node.app import run

run()
