"""Search: which assignments of parameters to try next, given what was tried and what came of it.

    problem ──┐
    trials  ──┼─> algorithm ──> suggestions
    count   ──┘

Each algorithm is a pure function of these three: its randomness comes from the problem's seed and
the place of a suggestion in the history, so that who asks again after a crash is answered the same.
Read `problem` first. Not an optimizer that runs anything, nor a keeper of studies.
"""
