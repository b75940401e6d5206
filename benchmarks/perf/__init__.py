"""How far each streaming client is from the truth, measured side by side in one run.

`python -m benchmarks.perf` from the repository's root starts the scripted server, whose send times are known, lets
every client stream from it in turn (ABCABC), and prints reported against true figures for each stream count.

Limits: a client is one file with `run(job) -> ClientRun` and one line in `clients.py`; it runs in a process of its own;
what is reported against what is true is worked out in `compare`, the same way for all.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # the ground-truth server stands beside the tests
