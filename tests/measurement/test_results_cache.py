"""No execution is paid twice and none is lost, whatever is killed, lost or late."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest

from helpers import loopback
from helpers.loopback import DirectClient, QueueClient, circuits_of, counts_of, measure, terms
from qdistill.errors import ConfigurationError, DataError
from qdistill.measurement.executions import Patience, execute
from qdistill.measurement.results_cache import Record, ResultsCache, key_of

QUICK = Patience(pause=0.001, longest_pause=0.01, lost=5, late=5)


def start(server, folder, manner, number, rows):
    command = [sys.executable, loopback.__file__, server.address, folder, manner, number, rows]
    child = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n", child.stderr.read()
    return child


def finish(child):
    assert child.wait(120) == 0, child.stderr.read()
    child.communicate()


def kill_at_random(server, folder, manner, kills, rows, longest):
    """Measure one round after another, killed at random moments: how many rounds there were."""
    chance, number, done = random.Random(3), 0, 0
    while done < kills:
        child = start(server, folder, manner, number, rows)
        time.sleep(chance.uniform(0, longest))
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
        killed = child.wait() == -signal.SIGKILL
        done += killed
        number += not killed
        child.communicate()
    finish(start(server, folder, manner, number, rows))
    return number + 1


@pytest.mark.slow
def test_fifty_kills_pay_for_nothing_twice_and_lose_nothing(tmp_path):
    rows = 40
    with loopback.running_loopback(lost=0.1, late=0.05) as server:
        rounds = kill_at_random(server, tmp_path, "queue", 50, rows, 0.4)
        circuits = [circuits_of(number, rows) for number in range(rounds)]
        assert server.paid == {json.dumps(c): 1 for each in circuits for c in each.values()}
        found = [measure(server.address, tmp_path, "queue", n, rows) for n in range(rounds)]
        assert found == [[counts_of(c) for c in each.values()] for each in circuits]
        assert server.paid.total() == rounds * rows == ResultsCache(tmp_path).count_paid("loopback")


@pytest.mark.slow
def test_without_a_queue_a_kill_costs_one_execution_at_most_and_the_ledger_knows(tmp_path):
    kills, rows = 12, 10
    with loopback.running_loopback(late=0.02) as server:
        rounds = kill_at_random(server, tmp_path, "direct", kills, rows, 0.2)
        found = [measure(server.address, tmp_path, "direct", n, rows) for n in range(rounds)]
        expected = [list(circuits_of(n, rows).values()) for n in range(rounds)]
        assert found == [[counts_of(c) for c in each] for each in expected]
        counted = ResultsCache(tmp_path).count_paid("loopback")
        assert rounds * rows <= server.paid.total() <= counted <= rounds * rows + kills


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["queue", "direct"])
def test_two_processes_at_once_pay_once(tmp_path, manner):
    with loopback.running_loopback(late=0.02) as server:
        children = [start(server, tmp_path, manner, 0, 15) for _ in range(2)]
        for child in children:
            finish(child)
        assert list(server.paid.values()) == [1] * 15


def test_what_is_there_needs_no_device(tmp_path):
    with loopback.running_loopback() as server:
        first = measure(server.address, tmp_path, "queue", 0, 3)

    def opened():
        raise AssertionError("the device is opened")

    assert execute(circuits_of(0, 3), terms(), opened, ResultsCache(tmp_path)) == first


def test_one_line_tells_what_will_be_paid(tmp_path, caplog, capfd):
    priced = terms(price_per_execution=0.3, price_per_shot=0.01, currency="USD", most=1000)
    with loopback.running_loopback() as server:
        client = QueueClient(server.address)
        for rows in (2, 5, 5):
            execute(circuits_of(0, rows), priced, lambda: client, ResultsCache(tmp_path), QUICK)
    told = [
        f"executions to do on device 'loopback': {due} of 50 shots each, for {price} USD; paid for "
        f"already: {paid} of at most 1,000"
        for due, price, paid in ((2, "1.60", 0), (3, "2.40", 2))
    ]
    assert [each.getMessage() for each in caplog.records] == told
    assert capfd.readouterr().err.splitlines()[-2:] == told  # at the terminal, log or not


def test_nothing_begins_that_would_pass_the_limit(tmp_path):
    with loopback.running_loopback() as server:
        client, cache = QueueClient(server.address), ResultsCache(tmp_path)
        execute(circuits_of(0, 4), terms(most=4), lambda: client, cache, QUICK)
        with pytest.raises(
            ConfigurationError,
            match=r"max_executions': found 6, but with 3 .* 'loopback' and 4 paid",
        ):
            execute(circuits_of(0, 7), terms(most=6), lambda: client, cache, QUICK)
        assert server.paid.total() == 4
        other = {**terms(most=3), "name": "another"}
        execute(circuits_of(1, 3), other, lambda: client, cache, QUICK)
        assert cache.count_paid("another") == 3


def test_a_job_that_failed_is_told_and_sent_anew(tmp_path):
    cache = ResultsCache(tmp_path)
    with loopback.running_loopback(failing=[1]) as server:
        client = QueueClient(server.address)
        with pytest.raises(
            DataError, match=r"device 'loopback', row 1: JobFailedError: the device was switched"
        ):
            execute(circuits_of(0, 3), terms(), lambda: client, cache, QUICK)
        assert server.paid.total() == 3
        found = execute(circuits_of(0, 3), terms(), lambda: client, cache, QUICK)
        assert found == [counts_of(each) for each in circuits_of(0, 3).values()]
        assert list(server.paid.values()) == [1, 2, 1] and cache.count_paid("loopback") == 4


def test_waiting_has_an_end_and_goes_on_at_no_cost(tmp_path):
    cache, hasty = ResultsCache(tmp_path), Patience(pause=0.001, late=0.01)
    with loopback.running_loopback(late=0.4) as server:
        client = QueueClient(server.address)
        with pytest.raises(DataError, match=r"row \d: job \d has no result after 0 s"):
            execute(circuits_of(0, 5), terms(), lambda: client, cache, hasty)
        assert len(execute(circuits_of(0, 5), terms(), lambda: client, cache, QUICK)) == 5
        assert list(server.paid.values()) == [1] * 5


def test_a_connection_that_never_holds_is_given_up(tmp_path):
    hasty = Patience(pause=0.001, longest_pause=0.002, lost=0.02)
    with loopback.running_loopback(lost=1.0) as server:
        client = QueueClient(server.address)
        with pytest.raises(DataError, match=r"device 'loopback', row 0: ConnectionError"):
            execute(circuits_of(0, 2), terms(), lambda: client, ResultsCache(tmp_path), hasty)
        assert server.asked > 2 and not server.paid


def test_a_lost_connection_of_a_call_is_not_tried_again(tmp_path):
    with loopback.running_loopback(lost=1.0) as server:
        client, cache = DirectClient(server.address), ResultsCache(tmp_path)
        with pytest.raises(DataError, match="row 0: ConnectionError"):
            execute(circuits_of(0, 2), terms(), lambda: client, cache, QUICK)
        assert cache.count_paid("loopback") == 1


def test_a_damaged_record_is_named(tmp_path):
    cache = ResultsCache(tmp_path)
    key = next(iter(circuits_of(0, 1)))
    cache.write(key, Record("loopback", 5, paid=1, counts={"00": 5}))
    assert cache.read(key) == Record("loopback", 5, paid=1, counts={"00": 5})
    (path,) = tmp_path.glob("*/*.json")
    path.write_text('{"device": "loop')
    with pytest.raises(DataError, match=rf"{key}\.json: is no record"):
        cache.read(key)


def test_what_tells_circuits_apart_is_in_the_key_and_nothing_else():
    device = {"name": "a", "options": {"x": 1}, "shots": 5, "max_executions": 9}
    plain = (b"angles", b"input", (1, 2, 2), True, device, 0)
    others = [
        (b"others", *plain[1:]),
        (plain[0], b"another", *plain[2:]),
        (*plain[:2], (2, 1, 2), *plain[3:]),
        (*plain[:3], False, *plain[4:]),
        (*plain[:5], 1),
        *((*plain[:4], {**device, **new}, 0) for new in ({"name": "b"}, {"shots": 6})),
        (*plain[:4], {**device, "options": {"x": 2}}, 0),
    ]
    assert len({key_of(*each) for each in (plain, *others)}) == len(others) + 1
    dearer = {**device, "max_executions": 1, "price_per_shot": 2.0}
    assert key_of(*plain[:4], dearer, 0) == key_of(*plain)
