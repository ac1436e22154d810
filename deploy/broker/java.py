"""Java, and what Maven fetches for it: once for each pom.xml, kept below .laurel/."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.broker.runs import BrokerError

OLDEST = 17


@functools.cache
def find() -> str:
    """Find a Java that is new enough: JAVA_HOME's, the PATH's, or one that is installed but not the default."""
    places = [Path(home, "bin/java") for home in (os.environ.get("JAVA_HOME"),) if home]
    places += [Path(found) for found in (shutil.which("java"),) if found]
    places += sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    places += [Path(prefix, "opt/openjdk/bin/java") for prefix in ("/opt/homebrew", "/usr/local")]
    for java in filter(Path.exists, places):
        shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
        version = re.search(r'version "(\d+)', shown.stderr)
        if version and int(version[1]) >= OLDEST:
            return str(java)
    raise BrokerError(f"A local broker or registry needs Java {OLDEST} or newer: install it, or start Docker.")


def fetch(pom: Path, goal: str, cache: Path) -> Path:
    """Give the folder with what a pom.xml names; a goal of Maven's dependency plugin fills it once for each pom.xml."""
    kept = cache / f"jars-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if kept.is_dir():
        return kept
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerError("A local broker or registry needs Maven: install the package maven, or start Docker.")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=cache) as fresh:
        target = Path(fresh, "jars")
        command = [maven, "-q", "-B", "-f", str(pom), f"dependency:{goal}", f"-DoutputDirectory={target}"]
        environment = os.environ | {"PATH": f"{Path(find()).parent}:{os.environ['PATH']}"}
        for _ in range(2):  # a server's hiccup; what has arrived is not asked for again
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
        else:
            raise BrokerError(f"Maven could not fetch what {pom} names.\n{(done.stdout + done.stderr)[-2000:]}")
        with contextlib.suppress(OSError):  # another run was faster
            target.rename(kept)
    return kept
