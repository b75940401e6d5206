"""What grows with a suite, each at a usual size and at ten times that: streams, cells, runs, hours, a session's load.

`python -m benchmarks.perf.scale` measures all of them, `python -m benchmarks.perf.scale runs` one, and prints one
table. A goal stands in the row that it is a goal for, and the exit status is 1 where one was missed.

Limits: one file measures one thing and yields rows; nothing here is known to the product. Children write bytecode, as
an installed package has it, and what else the machine does is said by its load average.
"""
