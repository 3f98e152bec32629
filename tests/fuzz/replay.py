"""Run inputs again on any runtime and tell what the heap did; nothing of the host is needed."""

import gc

import targets
from tape import METER


def run(inputs):
    """`inputs`: (target, name, bytes) each. Prints a line for each that fails, and a last one."""
    failed = grown = 0
    for target, name, data in inputs:
        try:
            grew = once(targets.TARGETS[target], data)
        except Exception as error:
            failed += 1
            print("failed: %s %s: %r" % (target, name, error))
            continue
        if grew:
            grown += 1
            print("grown: %s %s: %d bytes" % (target, name, grew))
    print("replayed %d, failed %d, grown %d" % (len(inputs), failed, grown))


def once(target, data):
    """Bytes that the calls under test took from the heap, for good or for a while."""
    gc.collect()
    gc.disable()
    METER.grown = METER.traffic = 0
    try:
        target(data)
    finally:
        gc.enable()
    return METER.grown or METER.traffic
