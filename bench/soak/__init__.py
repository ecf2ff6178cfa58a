"""`./dev soak`: the promises of `docs/promises.md` under harm, load and time; each part asserts by SQL over whole tables.

Parts are apart: each has a server on data of its own, prints what it did and what it counted, and answers with the faults
it found. The seed is printed first; the same seed does the same harm at the same distances, not at the same instructions.
"""
