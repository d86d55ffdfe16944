"""One driver, as a worker of its own has it: the measured side of benchmarks/ssh.py.

python benchmarks/drive_run.py RUN PACE
"""

import json
import sys
from pathlib import Path
from uuid import UUID

# Run as a script, Python looks in this folder alone.
sys.path.insert(0, str(Path(__file__).parents[1]))

import django

django.setup()

from provisioning.engine.driver import drive  # noqa: E402 - Django is set up first
from provisioning.engine.pace import Pace  # noqa: E402

if __name__ == "__main__":
    drive(UUID(sys.argv[1]), pace=Pace(**json.loads(sys.argv[2])))
