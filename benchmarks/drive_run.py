"""One driver, as a worker of its own has it: the measured side of benchmarks/ssh.py.

    python benchmarks/drive_run.py RUN PACE

Ends with the seconds that it took once Python and Django were there.
"""

import json
import sys
import time
from pathlib import Path
from uuid import UUID

# Run as a script, Python looks in this folder alone.
sys.path.insert(0, str(Path(__file__).parents[1]))

import django

django.setup()

from provisioning.engine.driver import drive  # noqa: E402 - Django is set up first
from provisioning.engine.pace import Pace  # noqa: E402

if __name__ == "__main__":
    began = time.perf_counter()
    drive(UUID(sys.argv[1]), pace=Pace(**json.loads(sys.argv[2])))
    print(time.perf_counter() - began)
