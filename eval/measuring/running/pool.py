"""Processes that measure: each codec is made ready in one of them before its rows begin."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..anchors import ANCHORS
from ..measure import CodecSpec, Task, measure_task, warm_up
from ..store import Row, RunError
from .warming import compilations

Activity = Callable[[str], None]
"""Told what goes on while no row is finished, such as a kernel that is compiled."""

_queue: Any = None
_stop: Any = None

_ROW, _ACTIVITY = "row", "activity"


class StoppedError(Exception):
    """The run was interrupted; a compilation need not be waited for."""


def _end_with_parent() -> None:
    """End the worker when its parent was killed; it would wait for tasks for ever."""
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _start_worker(queue: Any, stop: Any) -> None:
    import signal
    import threading

    global _queue, _stop
    _queue, _stop = queue, stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Ctrl-C reaches the whole process group; the parent decides, and rows in the making arrive.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(task: Task) -> None:
    """Measure in a worker; every row leaves at once, not with the last of its task."""
    rows = measure_task(task)
    while not _stop.is_set() and (row := next(rows, None)) is not None:
        _queue.put((_ROW, row))


def _make_ready(task: Task) -> None:
    """Compile in a worker what a codec needs; the other workers will load it."""

    def tell(kernel: str) -> None:
        if _stop.is_set():
            raise StoppedError
        _queue.put((_ACTIVITY, f"compiling {task.spec.label}: {kernel}"))

    with compilations(tell):
        warm_up(task.spec, task.pixels)


_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@contextlib.contextmanager
def shared_cores(jobs: int) -> Iterator[None]:
    """Let each process that is started use its share of the cores, unless the user said how many.

    A network runs on all cores if it may: beside others that do the same, every time would say
    more of the crowd than of the encoder.
    """
    share = str(max(1, (os.cpu_count() or 1) // jobs))
    added = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, share))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def task_kind(task: Task) -> str | None:
    """What has to be ready before a task; None for anchors, which Pillow brings ready-made."""
    if task.spec.codec in ANCHORS:
        return None
    channels = task.pixels.shape[2] if task.pixels.ndim == 3 else 1
    return json.dumps([task.spec.codec, task.spec.config, channels], sort_keys=True)


def run_pool(
    plan: Sequence[tuple[Any, CodecSpec, Any]],
    task_of: Callable[..., Task],
    jobs: int,
    record: Callable[[Row], None],
    activity: Activity,
) -> None:
    """Measure in `jobs` processes.

    Parameters
    ----------
    plan : sequence of (image, CodecSpec, budgets)
    task_of : callable
        Makes the task of an entry of the plan, pixels included.
    jobs : int
    record : callable
        Called in this process with every row, in order of completion.
    activity : callable
        See `Activity`.

    Raises
    ------
    RunError
        If a worker died.
    """
    import multiprocessing
    from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool

    # spawn: forking a process that runs BLAS or Numba threads may hang the child.
    context = multiprocessing.get_context("spawn")
    queue, stop = context.SimpleQueue(), context.Event()
    pool = ProcessPoolExecutor(jobs, context, _start_worker, (queue, stop))
    pending: set[Future[None]] = set()
    cold: dict[str | None, Future[None]] = {}
    waiting: list[tuple[str | None, tuple[Any, CodecSpec, Any]]] = []

    def collect() -> set[Future[None]]:
        nonlocal pending
        finished, pending = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
        while not queue.empty():
            kind, content = queue.get()
            (record if kind == _ROW else activity)(content)
        return finished

    def next_task() -> Task | None:
        """First task whose codec is ready; the others wait, so that nothing is compiled twice."""
        for at, (kind, entry) in enumerate(waiting):
            if kind is None or cold[kind].done():
                del waiting[at]
                return task_of(*entry)
        return None

    try:
        for entry in plan:
            task = task_of(*entry)
            kind = task_kind(task)
            waiting.append((kind, entry))
            if kind is not None and kind not in cold:
                cold[kind] = pool.submit(_make_ready, task)
                pending.add(cold[kind])
        warming = set(cold.values())
        while pending or waiting:
            # Few tasks in flight: each carries its pixels.
            while len(pending - warming) < 2 * jobs and (task := next_task()) is not None:
                pending.add(pool.submit(_work, task))
            for future in collect():
                future.result()
    except BrokenProcessPool as error:
        message = (
            "a worker process died (out of memory?); finished rows are kept, "
            "start the same run again with fewer --jobs to go on"
        )
        raise RunError(message) from error
    finally:
        # After an interrupt every worker ends the row it is at, and that row is kept too.
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        while pending:
            collect()
        pool.shutdown(wait=True)
        queue.close()
