"""The scheduler in a simulated run: workers that behave as xdist's do, and crash when they are told to."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_inferbench.plan.scheduling import CellScheduling


class Worker:
    """xdist's worker: a test begins when the next one is known, or that there is none."""

    def __init__(self, collection):
        self.collection = collection
        self.queue = deque()
        self.shutting_down = False
        self.dead = False
        self.ran = []

    def send_runtest_some(self, indices):
        if self.dead:
            raise OSError("cannot send")
        assert not self.shutting_down, "work was sent to a worker that was told to end"
        self.queue.extend(indices)

    def shutdown(self):
        self.shutting_down = True

    @property
    def can_run(self):
        return len(self.queue) > 1 or (bool(self.queue) and self.shutting_down)


class Run:
    """xdist's controller, as far as a scheduler sees it."""

    def __init__(self, items, workers, killers, restarts=99):
        self.items, self.killers, self.restarts = items, killers, restarts
        self.sched = CellScheduling(workers, lambda item: item.partition("/")[0] or None, str)
        self.workers = [Worker(items) for _ in range(workers)]
        self.crashed = []
        for worker in self.workers:
            self.sched.add_node(worker)
        for worker in self.workers:
            self.sched.add_node_collection(worker, items)
        self.sched.schedule()

    def go(self, order):
        """Run to the end; `order` says which of those that can go on does so next."""
        steps = 0
        while True:
            self._end()
            able = [worker for worker in self.workers if worker.can_run]
            if not able:
                break
            steps += 1
            assert steps <= 3 * len(self.items), "it does not end"
            worker = able[order[steps % len(order)] % len(able)]
            self._step(worker)
        assert all(worker.shutting_down or worker.dead for worker in self.workers), "somebody waits for ever"

    def _step(self, worker):
        index = worker.queue.popleft()
        if self.items[index] in self.killers:
            worker.dead = True
            worker.queue.clear()
            self.workers.remove(worker)
            assert self.sched.remove_node(worker) == self.items[index]
            self.crashed.append((self.items[index], worker))
            if self.restarts:
                self.restarts -= 1
                clone = Worker(self.items)
                self.workers.append(clone)
                self.sched.add_node(clone)
                self.sched.add_node_collection(clone, self.items)
                self.sched.schedule()
        else:
            worker.ran.append(self.items[index])
            self.sched.mark_test_complete(worker, index)

    def _end(self):
        if self.sched.tests_finished:
            for worker in self.workers:
                worker.shutdown()

    @property
    def ran(self):
        """For each worker that ever was, the tests it finished."""
        return [worker.ran for worker in (*self.workers, *(worker for _, worker in self.crashed))]


ITEMS = st.lists(st.tuples(st.sampled_from(["", "A", "B", "C"]), st.booleans()), min_size=1, max_size=14)


@given(ITEMS, st.integers(1, 4), st.lists(st.integers(0, 9), min_size=1), st.integers(0, 9))
def test_every_run_ends_and_loses_nothing_but_a_crashed_cell_s_rest(made, workers, order, restarts):
    """Any tests, any crashes, any order: each test ran once, or crashed, or is known to be lost, and why."""
    items = [f"{cell}/{number}" for number, (cell, _) in enumerate(made)]
    killers = {item for item, (_, kills) in zip(items, made, strict=True) if kills}
    run = Run(items, workers, killers, restarts)
    run.go(order)
    ran = [item for each in run.ran for item in each]
    crashed = [item for item, _ in run.crashed]
    assert len(ran) == len(set(ran))
    assert set(crashed) <= killers
    assert not set(ran) & set(run.sched.lost)
    for item, culprit in run.sched.lost.items():
        assert culprit in crashed
        assert item.partition("/")[0] == culprit.partition("/")[0] != ""
    if len(crashed) <= restarts:
        assert {*ran, *crashed, *run.sched.lost} == set(items)
    for cell in "ABC":
        assert sum(any(item.startswith(f"{cell}/") for item in each) for each in run.ran) <= 1


@given(st.integers(1, 4), st.lists(st.integers(0, 9), min_size=1))
def test_a_cell_is_run_without_another_between(workers, order):
    """A worker ends one cell before it begins the next, however the tests were collected."""
    items = [f"{cell}/{number}" for number in range(4) for cell in ("A", "B", "", "C")]
    run = Run(items, workers, set())
    run.go(order)
    for each in run.ran:
        cells = [item.partition("/")[0] for item in each]
        changes = [cell for cell, before in zip(cells, [None, *cells], strict=False) if cell and cell != before]
        assert len(changes) == len(set(changes))


def test_no_worker_gets_a_second_cell_while_it_has_two_tests_to_run():
    """What waits can go to whoever is free first."""
    run = Run(["A/1", "A/2", "A/3", "B/1", "B/2", "C/1"], 2, set())
    first, second = run.workers
    assert (list(first.queue), list(second.queue)) == ([0, 1, 2], [3, 4])
    run._step(second)
    assert list(second.queue) == [4, 5]


def test_a_worker_that_died_unnoticed_gives_back_what_it_was_sent():
    """Sending fails before the crash is told; then another gets the whole cell."""
    items = ["A/1", "A/2", "B/1", "B/2", "C/1", "C/2"]
    run = Run(items, 2, set())
    dying, other = run.workers
    dying.dead = True
    run.sched.mark_test_complete(dying, 0)  # its last message, on its way when it died
    run.workers.remove(dying)
    assert run.sched.remove_node(dying) == "A/2"
    run.go([0])
    assert other.ran == ["B/1", "B/2", "C/1", "C/2"]


def test_a_replacement_that_collected_other_tests_ends_the_run():
    """Nothing can be given to it, and nobody waits for it."""
    run = Run(["A/1", "A/2", "B/1"], 1, {"A/1"}, restarts=0)
    run._step(run.workers[0])
    clone = Worker(["X/1"])
    run.workers.append(clone)
    run.sched.add_node(clone)
    run.sched.add_node_collection(clone, clone.collection)
    run.sched.schedule()
    run.go([0])
    assert run.sched.tests_finished
    assert clone.ran == []


def test_a_worker_that_crashes_with_nothing_left_costs_nothing():
    """No test is named, and the others go on."""
    run = Run(["a/1", "b/1"], 2, set())
    for worker in run.workers:
        for index in list(worker.queue):
            run.sched.mark_test_complete(worker, index)
    assert run.sched.remove_node(run.workers[0]) is None
    assert not run.sched.has_pending


def test_tests_are_neither_run_again_nor_taken_back():
    """A benchmark that takes its worker down is not repeated, and nobody asks for tests back."""
    run = Run(["a/1", "a/2"], 1, set())
    with pytest.raises(NotImplementedError, match="a/1 was not rescheduled"):
        run.sched.mark_test_pending("a/1")
    with pytest.raises(NotImplementedError):
        run.sched.remove_pending_tests_from_node(run.workers[0], [0])
