"""Logs as a program reads them: other writers share standard error, and must not come between a line and its end."""

import json
import socket
import subprocess
import sys

import pytest

SAY = "import sys, structlog; from streams import logs; logs.configure(); structlog.get_logger().info('said', what='x' * int(sys.argv[1]))"


@pytest.mark.parametrize("length", [1, 5_000, 20_000])
def test_a_line_is_one_json_object_and_one_write(length: int) -> None:
    # A socket of packets keeps writes apart, as a file does not.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            subprocess.run([sys.executable, "-c", SAY, str(length)], stderr=theirs.fileno(), check=True)
        writes = []
        while packet := ours.recv(1 << 20):
            writes.append(packet)
    (line,) = writes
    assert line.endswith(b"\n")
    assert json.loads(line)["what"] == "x" * length
