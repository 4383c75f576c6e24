"""Workers of a Dask cluster that measure, where one machine is not enough.

The rows are those of `pool.run_pool`, and are written here, by the process that asked: a worker
that dies takes nothing with it, because what it had not handed over is measured once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ....shared.errors import BackendUnavailableError
from ..measure import CodecSpec, Task, measure_task, warm_up
from ..store import Row, RunError, row_key
from .pool import Activity, task_kind

LOCAL = "local:"
_PATIENCE = 10  # seconds for a scheduler to answer


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        message = "--dask needs Dask: pip install 'fractour[cluster]'"
        raise BackendUnavailableError(message) from error
    return distributed


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """Connect to a scheduler, or start workers on this machine for ``local:N``."""
    distributed = _distributed()
    if address.startswith(LOCAL):
        count = address.removeprefix(LOCAL)
        if not count.isdigit() or int(count) < 1:
            message = f"--dask takes local:N with a positive N, not {address!r}"
            raise RunError(message)
        cluster = distributed.LocalCluster(
            n_workers=int(count),
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=50,
        )
        with cluster, distributed.Client(cluster) as client:
            yield client
        return
    try:
        client = distributed.Client(address, timeout=_PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        message = (
            f"no Dask scheduler answers at {address}; start one (dask scheduler) with workers "
            "(dask worker), or take --dask local:N"
        )
        raise RunError(message) from error
    with client:
        yield client


def _versions(specs: Sequence[CodecSpec]) -> list[str]:
    """Say on a worker what it would measure."""
    return [spec.version for spec in specs]


def _check_workers(client: Any, address: str, specs: Sequence[CodecSpec]) -> int:
    """See that there are workers, and that they run what this process runs; count them."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        message = f"the Dask cluster at {address} has no worker; start one with: dask worker ..."
        raise RunError(message) from error
    try:
        found = client.run(_versions, specs)
    except Exception as error:  # whatever an import on another machine ends in
        message = (
            f"a worker at {address} cannot run this fractour ({type(error).__name__}: {error}); "
            "install the same version there"
        )
        raise RunError(message) from error
    mine = _versions(specs)
    for worker, theirs in found.items():
        other = next((pair for pair in zip(mine, theirs, strict=True) if pair[0] != pair[1]), None)
        if other is not None:
            message = (
                f"worker {worker} would measure {other[1]!r}, this machine {other[0]!r}; "
                "install the same version there"
            )
            raise RunError(message)
    return len(found)


def _rows(task: Task) -> list[Row]:
    return list(measure_task(task))


def _ready(task: Task) -> None:
    warm_up(task.spec, task.pixels)


def run_cluster(
    plan: Sequence[tuple[Any, CodecSpec, Any]],
    task_of: Callable[..., Task],
    address: str,
    record: Callable[[Row], None],
    activity: Activity,
) -> None:
    """Measure on a cluster.

    Parameters
    ----------
    plan, task_of, record, activity
        See `pool.run_pool`.
    address : str
        Of a scheduler, ``tcp://HOST:PORT``, or ``local:N`` for N workers on this machine.

    Raises
    ------
    RunError
        If nobody answers, workers run another version, or one task kills worker after worker.
    BackendUnavailableError
        If Dask is missing.
    """
    distributed = _distributed()
    activity(f"connecting to {address}")
    with _client(address) as client:
        specs = list({entry[1].label: entry[1] for entry in plan}.values())
        workers = _check_workers(client, address, specs) if plan else 0
        waiting: list[tuple[str | None, tuple[Any, CodecSpec, Any]]] = []
        cold: dict[str | None, Any] = {}
        seen: set[str] = set()
        done = distributed.as_completed()
        flying = 0

        def launch() -> None:
            """Send tasks out, few at a time: each carries its pixels."""
            nonlocal flying
            at = 0
            while flying < 2 * workers and at < len(waiting):
                kind, entry = waiting[at]
                if kind is not None and not cold[kind].done():
                    at += 1
                    continue
                del waiting[at]
                done.add(client.submit(_rows, task_of(*entry), pure=False))
                flying += 1

        for entry in plan:
            task = task_of(*entry)
            kind = task_kind(task)
            waiting.append((kind, entry))
            if kind is not None and kind not in cold:
                cold[kind] = client.submit(_ready, task, pure=False)
                done.add(cold[kind])
        launch()
        if cold:
            activity("making codecs ready on the workers")
        try:
            for future in done:
                rows = future.result()
                if rows is not None:
                    flying -= 1
                for row in rows or ():
                    key = row_key(row)
                    if key not in seen:
                        seen.add(key)
                        record(row)
                launch()
        except distributed.KilledWorker as error:
            message = (
                "a task ended several workers one after the other (out of memory?); finished rows "
                "are kept, the same command goes on from there"
            )
            raise RunError(message) from error
