"""scripts/bench tables: published tables against ordinary ones, by the program that the tests have for it."""

import pathlib
import subprocess
import sys

sys.exit(subprocess.run([pathlib.Path(sys.argv[1]).with_name("fletch-tables"), "bench", *sys.argv[2:]]).returncode)
