"""`laurel designate` on a real broker: a command goes in, and its answer comes back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.profiles import CustomerProfile
from streams.clock import now_ms
from tests.streams.commands import Caller
from tests.streams.history import published, registered
from tests.streams.systems import System

WHO = ("--author", "p-12", "--reason", "programme_choice")


@pytest.fixture(scope="module")
def system(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Give a system at work that knows a customer."""
    system = System(bootstrap, tmp_path_factory.mktemp("designated"))
    system.publish([published(registered("ada", now_ms(), "e-ada"))])
    with system.working():
        yield system


def test_a_person_decides_and_reads_the_answer_r_man_01_r_man_03(system: System, laurel: Caller) -> None:
    called = laurel.given(**system.given)
    made = called("designate", "add", "ada", "--tier", "gold", "--designation", "d-1", *WHO, "--json")
    assert made.code == 0, made.err
    told = json.loads(made.out)
    assert (told["verdict"], told["designation_id"], told["designation_version"]) == ("accepted", "d-1", 1)
    late = called("designate", "change", "ada", "d-1", "--seen", "7", "--tier", "platinum", *WHO)
    assert (late.code, len(late.out.splitlines())) == (1, 2)
    assert "was refused" in late.out.splitlines()[0]
    assert late.out.splitlines()[1] == "no  version of the designation that the author saw: 7, but must be 1"
    assert called("designate", "remove", "ada", "d-1", "--seen", "1", *WHO).code == 2, "not confirmed"
    assert called("designate", "remove", "ada", "d-1", "--seen", "1", *WHO, "--confirm").code == 0
    assert called("designate", "review", "ada", "approved", "--tier", "gold", *WHO).code == 1, "nothing to review"
    last = [each for each in system.contents("customer-profiles") if isinstance(each, CustomerProfile)][-1]
    assert (last.tier, last.automatic_blocked) == (None, True)


def test_without_an_answer_it_says_what_to_look_at(laurel: Caller, bootstrap: str, tmp_path: Path) -> None:
    nobody = System(bootstrap, tmp_path)
    said = laurel.given(**nobody.given)("designate", "add", "ada", "--tier", "gold", *WHO, "--wait-s", "1")
    assert said.code == 3
    assert "laurel status shows what waits" in said.err


def test_what_a_contract_forbids_is_not_published(laurel: Caller) -> None:
    said = laurel("designate", "add", "#1", "--tier", "gold", *WHO)
    assert said.code == 2
    assert "customer_id" in said.err


def test_ids_are_looked_at_together_linked_and_decided_on_as_one_r_cust_11(system: System, laurel: Caller) -> None:
    called = laurel.given(**system.given)
    seen = called("identity", "preview", "ada", "zoe", "--json")
    assert seen.code == 0, seen.err
    told = json.loads(seen.out)
    assert (told["together"]["customer_id"], told["refused"]) == ("ada", [])
    assert "together, as ada" in called("identity", "preview", "zoe", "ada").out
    assert called("identity", "link", "zoe", "ada").code == 0
    system.wait_until_idle()  # a command of before the move would be answered under its own id
    made = called("designate", "add", "zoe", "--tier", "gold", "--designation", "d-zoe", *WHO, "--json")
    assert made.code == 0, made.err
    assert json.loads(made.out)["customer_id"] == "ada"
    assert called("identity", "unlink", "ada", "zoe").code == 0


def test_an_id_is_not_linked_to_itself(laurel: Caller) -> None:
    said = laurel("identity", "link", "ada", "ada")
    assert said.code == 2
    assert "a link is between two ids" in said.err
