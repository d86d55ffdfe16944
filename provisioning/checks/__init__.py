"""What machines are asked before a run: how each question is put, and what an answer is worth.

`look.sh` and `wires.pl` run on the machines, `visiting.py` brings them there; `reading.py` and
`wires.py` read and plan, the other modules judge: pure functions over a `Sight`, one a check.
"""
