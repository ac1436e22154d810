"""promtool, and Prometheus: those on the PATH, or Debian's, unpacked below .laurel/ and installed nowhere.

`python -m deploy.prometheus.promtool ...` runs promtool with the words given.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.broker.runs import WORK

KEPT = WORK / "promtool"


def find(program: str = "promtool") -> str | None:
    """Give the path of `promtool` or `prometheus`, fetching both first where it is not there; None where that cannot be."""
    unpacked = KEPT / "usr/bin" / program
    if (found := shutil.which(program)) is None and (unpacked.exists() or fetch()):
        found = str(unpacked)
    return found


def fetch() -> bool:
    """Download and unpack the package; whether it is there now. It needs apt-get and its registry, and no rights."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return False
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=WORK) as fresh:
        folder = Path(fresh)
        folder.chmod(0o755)  # apt-get's own user writes there
        if subprocess.run(["apt-get", "-qq", "download", "prometheus"], cwd=folder, check=False).returncode:
            return False
        (package,) = folder.glob("prometheus_*.deb")
        subprocess.run(["dpkg-deb", "-x", package, folder / "unpacked"], check=True)
        try:
            (folder / "unpacked").rename(KEPT)
        except OSError:  # another run was faster
            return (KEPT / "usr/bin/promtool").exists()
    return True


def main() -> int:
    """Run promtool with the words given."""
    path = find()
    if path is None:
        sys.exit("There is no promtool: install the package prometheus.")
    return subprocess.run([path, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
