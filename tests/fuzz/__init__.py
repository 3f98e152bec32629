"""Fuzzing of lib/mqtt and of the node's commands: `make fuzz`, and a bounded part in the tests."""
