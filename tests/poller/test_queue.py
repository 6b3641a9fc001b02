from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from exporter.poller.queue import Kind, Queue, Task

tasks = st.builds(Task, st.sampled_from(Kind), st.integers(1, 4))
times = st.floats(0, 100)


def test_by_kind_then_by_longest_wait() -> None:
    queue = Queue()
    queue.put(Task(Kind.STATISTICS, 1), 1.0)
    queue.put(Task(Kind.PORTFOLIO, 2), 5.0)
    queue.put(Task(Kind.PORTFOLIO, 1), 4.0)
    queue.put(Task(Kind.RUNNING), 6.0)
    assert queue.next_due() == 1.0
    assert [queue.take(10.0) for _ in range(5)] == [
        Task(Kind.RUNNING),
        Task(Kind.PORTFOLIO, 1),
        Task(Kind.PORTFOLIO, 2),
        Task(Kind.STATISTICS, 1),
        None,
    ]
    assert queue.next_due() == inf
    assert not len(queue)


def test_what_is_not_due_or_not_asked_for_waits() -> None:
    queue = Queue()
    queue.put(Task(Kind.PORTFOLIO, 1), 5.0)
    assert queue.take(4.9) is None
    assert queue.take(9.0, (Kind.AUTHENTICATE,)) is None
    assert queue.take(5.0) == Task(Kind.PORTFOLIO, 1)


@given(
    st.lists(st.tuples(st.sampled_from(["put", "discard", "take"]), tasks, times), max_size=60),
)
def test_equals_a_queue_that_looks_at_everything(
    steps: list[tuple[str, Task, float]],
) -> None:
    queue, model = Queue(), dict[Task, float]()
    for step, task, time in steps:
        if step == "put":
            queue.put(task, time)
            model[task] = time
        elif step == "discard":
            queue.discard(task)
            model.pop(task, None)
        else:
            due = [(waiting.kind, at) for waiting, at in model.items() if at <= time]
            taken = queue.take(time)
            if taken is None:
                assert not due
            else:
                assert (taken.kind, model.pop(taken)) == min(due)
        assert len(queue) == len(model)
        assert queue.next_due() == min(model.values(), default=inf)
        assert all(queue.due(waiting) == at for waiting, at in model.items())
