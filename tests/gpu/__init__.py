"""On a device what runs on the host runs too, and gives the same numbers.

Every test here runs twice: on the strict device of the tests, everywhere, so that it cannot rot, and on a CUDA card,
marked `gpu`, where somebody has one (`make test-gpu`).
"""
