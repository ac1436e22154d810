"""The same history gives the same bytes, wherever and whenever it is folded (I-5)."""

import hashlib
import os
import random
import subprocess
import sys

import msgspec

from tests.processors.story import Story

PROGRAM = "from tests.processors.test_determinism import fingerprint; print(fingerprint())"


def fingerprint() -> str:
    """Of all rows and effects of a history with something of everything."""
    story = Story({"time_zone": "America/New_York", "grace_days": 20, "fulfilment": "shipped"})
    chance = random.Random(7)
    for n in range(400):
        customer, day = f"c{n % 11}", f"{2021 + n // 100}-{1 + n % 100 // 9:02d}-{1 + n % 28:02d} 0{n % 10}:30"
        about = {"customer": customer}
        match chance.randrange(8):
            case 0:
                story.refund(day, f"{chance.randrange(90)}.10", f"o{chance.randrange(n + 1)}", f"f{n}", **about)
            case 1:
                story.cancel(day, f"o{chance.randrange(n + 1)}", **about)
            case 2:
                story.send_back(day, {"l1": 1, "l2": 2}, f"o{chance.randrange(n + 1)}", f"b{n}", **about)
            case 3:
                story.contact(day, f"k{n}", **about)
            case _:
                story.order(day, f"{chance.randrange(900)}.99", f"o{n}", rate_ppm=900_001, **about)
    assert len({type(each) for each in story.effects}) >= 5
    told = hashlib.sha256()
    for key, row in sorted(story.stored().items()):
        told.update(key + row)
    for effect in story.effects:
        told.update(type(effect).__name__.encode() + msgspec.json.encode(effect))
    return told.hexdigest()


def test_time_zone_and_hash_seed_of_the_process_do_not_show_i_5() -> None:
    here = fingerprint()
    for zone, seed in (("Pacific/Kiritimati", "1"), ("America/New_York", "4242")):
        settings = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "PYTHONTZPATH": ""}
        there = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=settings, capture_output=True, text=True, check=True
        )
        assert there.stdout.strip() == here
