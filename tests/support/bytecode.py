"""Has each module compiled once, not in each of the processes that the tests start, whatever the environment says.

To be imported before what is to be compiled.
"""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = False
sys.pycache_prefix = str(Path(__file__).parents[2] / ".pytest_cache" / "bytecode")
os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
