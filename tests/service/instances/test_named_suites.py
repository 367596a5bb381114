"""Sets of uploaded instances have a name, and a search finds them by it on any machine."""

from __future__ import annotations

import gzip
import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert

from slotforge.core.errors import Conflict, SlotforgeError, UnknownId, UsageError
from slotforge.core.types import Budget, RunConfig, Suite
from slotforge.lineage.allowance import Allowance, NoRoom
from slotforge.lineage.blobs import InUse
from slotforge.lineage.keys import add_key
from slotforge.lineage.service_schema import Job
from slotforge.lineage.store import SqlStore, open_store
from slotforge.search import named_suites, worker
from slotforge.search.discover import Discovery
from slotforge.service.cli import main
from slotforge.service.instances import suites
from slotforge.service.instances.vault import Vault


def formula(number: int) -> bytes:
    return f"p cnf 50 2\n{number % 4 + 1} -2 0\n{number + 5} 0\n".encode()


def fill(vault: Vault, count: int = 5) -> list[str]:
    return [vault.add([formula(n)], name=f"in/{n} <b>.cnf.gz", owner="o").id for n in range(count)]


def test_a_suite_is_made_replaced_listed_and_removed(vault: Vault) -> None:
    store, ids = vault.store, fill(vault)
    made = suites.put(store, "mine", [ids[2], ids[0], ids[2]], owner="o")
    assert [item.id for item in made.items] == [ids[2], ids[0]]
    assert (made.instances, made.size, made.owner) == (2, sum(item.size for item in made.items), "o")
    assert len(suites.put(store, "mine", ids[3:], owner="o").items) == 2
    suites.put(store, "another", ids, owner="o")
    assert [suite.name for suite in suites.suites(store, limit=10)] == ["another", "mine"]
    assert [suite.instances for suite in suites.suites(store, limit=10, after="another")] == [2]
    assert [item.id for item in suites.remove(store, "mine").items] == ids[3:]
    with pytest.raises(UnknownId, match="no suite 'mine'"):
        suites.suite(store, "mine")
    assert len(vault.records(limit=10)) == len(ids)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "-x", "a b", "x" * 65, "a\n", "a\x00", "é"])
def test_a_name_that_could_be_more_than_a_name_is_refused(shared: Vault, name: str) -> None:
    ids = fill(shared)
    with pytest.raises(UsageError, match="the name of a suite has 1 to 64 letters"):
        suites.put(shared.store, name, ids, owner="o")
    with pytest.raises(UnknownId, match="no suite"):
        suites.materialise(shared.store, [f"suite:{name}"])


def test_a_suite_of_nothing_or_of_what_is_not_there_is_refused_and_leaves_the_old_one(vault: Vault) -> None:
    before = suites.put(vault.store, "mine", fill(vault), owner="o")
    with pytest.raises(UsageError, match="suite 'mine' would be empty"):
        suites.put(vault.store, "mine", [], owner="o")
    with pytest.raises(UnknownId, match=f"no instance '{'0' * 64}'"):
        suites.put(vault.store, "mine", ["0" * 64], owner="o")
    assert suites.suite(vault.store, "mine") == before


def test_no_suite_is_made_of_the_part_of_its_files_for_which_there_is_room(vault: Vault, tmp_path: Path) -> None:
    add_key(vault.store, "ann", ["run"], limits=Allowance(bytes=len(formula(10))))
    before = suites.put(vault.store, "mine", fill(vault), owner="ann")
    (files := tmp_path / "files").mkdir()
    for number in range(3):
        (files / f"{number}.cnf").write_bytes(formula(number + 10))
    with pytest.raises(NoRoom, match=r"^1.cnf: ann may keep .*; what came before it is kept$"):
        suites.add_files(vault, "mine", [files], owner="ann")
    assert suites.suite(vault.store, "mine") == before


def test_a_suite_that_many_make_at_once_is_one_of_theirs(vault: Vault) -> None:
    ids = fill(vault, 4)
    with ThreadPoolExecutor(4) as pool:
        made = [*pool.map(lambda n: suites.put(vault.store, "mine", ids[n:], owner="o"), range(4))]
    assert [one.instances for one in made] == [4, 3, 2, 1]
    assert suites.suite(vault.store, "mine") in made


def test_a_suite_is_changed_by_its_owner_and_by_administrators_whose_it_does_not_become(vault: Vault) -> None:
    ids = fill(vault)
    made = suites.put(vault.store, "mine", ids, owner="ann")
    for change in (
        lambda: suites.put(vault.store, "mine", ids[1:], owner="bob"),
        lambda: suites.remove(vault.store, "mine", owner="bob"),
    ):
        with pytest.raises(Conflict, match="suite 'mine' is not bob's: choose another name"):
            change()
        assert suites.suite(vault.store, "mine") == made
    changed = suites.put(vault.store, "mine", ids[2:], owner="root", admin=True)
    assert (changed.owner, changed.instances) == ("ann", 3)
    assert suites.remove(vault.store, "mine", owner="ann") == changed


def test_of_several_who_make_a_suite_of_one_name_at_once_one_has_it(vault: Vault) -> None:
    ids = fill(vault, 4)

    def put(number: int) -> str | None:
        try:
            return suites.put(vault.store, "mine", ids[number:], owner=str(number)).owner
        except Conflict:
            return None

    with ThreadPoolExecutor(4) as pool:
        (owner,) = {*pool.map(put, range(4))} - {None}
    assert suites.suite(vault.store, "mine").owner == owner
    assert suites.suite(vault.store, "mine").instances == 4 - int(owner or 0)


@pytest.mark.parametrize("state", ["queued", "running", "paused", "failed"])
def test_a_suite_that_a_job_searches_on_stays_as_it_is(state: str, vault: Vault) -> None:
    ids = fill(vault)
    suites.put(vault.store, "mine", ids, owner="o")
    job = {"kind": "search", "owner": "o", "priority": 0, "wish": "", "fence": 0, "attempts": 0, "cpus": 1, "why": ""}
    config = RunConfig(domain="sat", instances=("suite:mine",)).model_dump(mode="json")
    with vault.store.writing() as connection:
        row = {**job, "id": "j1", "state": state, "config": config, "created": time.time(), "changed": time.time()}
        connection.execute(insert(Job).values(row))
    with pytest.raises(InUse, match="suite 'mine' is searched on by job j1"):
        suites.remove(vault.store, "mine")
    with pytest.raises(InUse, match="suite 'mine' is searched on by job j1"):
        suites.put(vault.store, "mine", ids, owner="o")


def test_a_suite_becomes_the_same_folder_wherever_the_home_is_the_same(shared: Vault, home: Path) -> None:
    suites.put(shared.store, "mine", ids := fill(shared), owner="o")
    (folder,), (other, family) = (
        suites.materialise(shared.store, specs) for specs in (["suite:mine"], ["suite:mine", "tseitin:48"])
    )
    assert folder == other
    assert family == "tseitin:48"
    assert Path(folder).is_relative_to(home)
    assert Path(folder).name == "mine"
    shutil.rmtree(home)
    assert suites.materialise(shared.store, ["suite:mine"]) == (folder,)
    assert {file.name: file.read_bytes() for file in Path(folder).iterdir()} == {
        f"{id_}.cnf": formula(n) for n, id_ in enumerate(ids)
    }
    suites.put(shared.store, "mine", ids[1:], owner="o")
    assert suites.materialise(shared.store, ["suite:mine"]) != (folder,)


def test_what_somebody_changed_in_the_folder_is_mended(shared: Vault) -> None:
    suites.put(shared.store, "mine", ids := fill(shared), owner="o")
    (folder,) = (Path(spec) for spec in suites.materialise(shared.store, ["suite:mine"]))
    (folder / "stranger.cnf").write_bytes(formula(9))
    (folder / f"{ids[0]}.cnf").write_bytes(b"1 0\n")
    (folder / f"{ids[1]}.cnf").unlink()
    (folder / f"{ids[2]}.cnf").unlink()
    (folder / f"{ids[2]}.cnf").write_bytes(b"2 0\n")
    suites.materialise(shared.store, ["suite:mine"])
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        f"{id_}.cnf": formula(n) for n, id_ in enumerate(ids)
    }


def collected(store: SqlStore) -> Suite:
    return named_suites.collect(store, worker.domain("sat"), ["suite:mine"], seed=1, options={})


def everything(suite: Suite) -> list[tuple[str, str, str]]:
    return sorted((i.name, i.family, i.id) for i in suite.search + suite.select + suite.holdout)


def test_a_search_calls_instances_as_their_uploader_did(shared: Vault, tmp_path: Path) -> None:
    ids = fill(shared, 6)
    double = shared.add([b"c again\n" + formula(0)], name="double.cnf", owner="o").id
    suites.put(shared.store, "mine", [*ids, double], owner="o")
    suite = collected(shared.store)
    names = {name for name, _, _ in everything(suite)}
    assert names >= {f"{n} <b>.cnf.gz" for n in range(1, 6)}
    assert {family for _, family, _ in everything(suite)} == {"mine"}
    assert len(suite.warnings) == 1
    assert "double.cnf" in suite.warnings[0]
    assert str(tmp_path) not in suite.warnings[0]
    for n in range(6):
        (tmp_path / f"{n}.cnf").write_bytes(formula(n))
    plain = worker.domain("sat").suite([str(tmp_path)], seed=1, options={})
    assert [i.id for i in plain.holdout] == [i.id for i in suite.holdout]


def test_a_run_goes_on_where_its_files_are_gone(shared: Vault, home: Path) -> None:
    suites.put(shared.store, "mine", fill(shared, 6), owner="o")
    suite = collected(shared.store)
    assert named_suites.at_hand(suite, pytest.fail) is suite
    shutil.rmtree(home)
    again = named_suites.at_hand(suite, lambda: collected(shared.store))
    assert again == suite
    assert all(Path(i.path).exists() for i in again.search + again.select + again.holdout)
    shutil.rmtree(home)
    suites.put(shared.store, "mine", fill(shared, 5), owner="o")
    lost = next(i for i in suite.search + suite.select + suite.holdout if i.name.startswith("5"))
    with pytest.raises(SlotforgeError, match=f"^{lost.name} is not on this machine any more: start a new run"):
        named_suites.at_hand(suite, lambda: collected(shared.store))


def test_a_search_on_a_suite_is_recorded_under_its_name(tmp_path: Path) -> None:
    """Only the instances are read: formulas so easy tell nothing, and the search says so."""
    with open_store(tmp_path / "s.db") as store:
        suites.put(store, "mine", fill(Vault(store), 6), owner="o")
        config = RunConfig(domain="sat", instances=("suite:mine",), budget=Budget(evals=1), executor="inline")
        job = Discovery(config=config, store=store)
        with pytest.raises(UsageError, match="the baseline solves none"):
            job.run()
        record = store.run(job.run_id)
        assert record.config.instances == ("suite:mine",)
        assert {i.family for i in record.suite.search} == {"mine"}


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = 0
        try:
            main([*arguments, "--store", str(tmp_path / "cli.db")])
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_suites_are_kept_from_the_command_line(cli: Command, tmp_path: Path) -> None:
    (folder := tmp_path / "folder").mkdir()
    (folder / "a.cnf").write_bytes(formula(1))
    (folder / "b.cnf.gz").write_bytes(gzip.compress(formula(2)))
    (folder / "c.cnf").write_bytes(b"p cnf 1 1\n1 x\n")
    (tmp_path / "d.cnf").write_bytes(formula(3))
    assert cli("suites", "list")[1].startswith("no suites in ")
    code, out, err = cli("suites", "add", "mine", str(folder), str(tmp_path / "d.cnf"), "--json")
    assert (code, [item["name"] for item in json.loads(out)["items"]]) == (0, ["a.cnf", "b.cnf.gz", "d.cnf"])
    assert err == "c.cnf:2: a literal is expected, not 'x', left out\n"
    assert "suite:mine" in cli("suites", "list")[1]
    assert json.loads(cli("suites", "list", "--json")[1])[0]["instances"] == 3
    assert "b.cnf.gz" in cli("suites", "show", "mine")[1]
    assert cli("suites", "remove", "mine")[0] == 0
    code, _, err = cli("suites", "show", "mine")
    assert (code, err) == (2, "slotforge: no suite 'mine': `slotforge suites list` lists them\n")
    code, _, err = cli("suites", "add", "mine", str(tmp_path / "nowhere"))
    assert (code, err) == (2, f"slotforge: {tmp_path}/nowhere: no such file or folder\n")
    code, _, err = cli("discover", "sat", "--instances", "suite:mine")
    assert (code, err.splitlines()[-1]) == (2, "slotforge: no suite 'mine': `slotforge suites list` lists them")
