"""Rows of a Dask cluster: the same as here, none lost or doubled when a worker is killed."""

from __future__ import annotations

import os
import signal
import socket

import pytest
from fractour.eval.measuring.runner import ArrayImage, run
from fractour.eval.measuring.store import ROWS_FILE, RunError, read_rows, row_key
from skimage import data

distributed = pytest.importorskip("distributed")
pytestmark = [
    # Dask leaves sockets and loops of workers that were killed to the garbage collector.
    pytest.mark.filterwarnings("ignore"),
]
CODECS = ["template", "jpeg2000", "webp"]
BPPS = [1.0, 2.0, 4.0]
TIMES = {"encode_s", "decode_s", "started", "jobs"}


@pytest.fixture(scope="module")
def images():
    astronaut = data.astronaut()
    return [ArrayImage(f"part{at}", astronaut[80 * at : 80 * at + 80, 180:276]) for at in range(4)]


@pytest.fixture(scope="module")
def here(images, tmp_path_factory):
    return run(images, CODECS, BPPS, tmp_path_factory.mktemp("here"))


def timeless(rows):
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_and_doubles_no_row(images, here, tmp_path):
    killed = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:

        def kill(done, total, row):
            if done >= 6 and not killed:
                (pid,) = {worker.pid for worker in list(cluster.workers.values())[:1]}
                killed.append(pid)
                os.kill(pid, signal.SIGKILL)

        found = run(
            images, CODECS, BPPS, tmp_path, cluster=cluster.scheduler_address, progress=kill
        )
    assert killed
    assert timeless(found.rows) == timeless(here.rows)
    written = [row_key(row) for row in read_rows(tmp_path / ROWS_FILE)]
    assert len(written) == len(set(written)) == len(images) * len(CODECS) * len(BPPS)


@pytest.mark.slow
def test_it_resumes_what_was_begun_elsewhere(images, here, tmp_path):
    run(images[:4], CODECS[:1], BPPS, tmp_path)
    first = (tmp_path / ROWS_FILE).read_text()
    found = run(images, CODECS, BPPS, tmp_path, cluster="local:2")
    assert (tmp_path / ROWS_FILE).read_text().startswith(first)
    assert timeless(found.rows) == timeless(here.rows)


def test_nobody_answers(images, tmp_path, monkeypatch):
    from fractour.eval.measuring.running import cluster

    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RunError, match="no Dask scheduler answers"):
        run(images, CODECS, BPPS, tmp_path, cluster=f"tcp://127.0.0.1:{port}")
    with pytest.raises(RunError, match="positive N"):
        run(images, CODECS, BPPS, tmp_path, cluster="local:many")


@pytest.mark.slow
def test_a_worker_of_another_version_is_refused(images, tmp_path, monkeypatch):
    from fractour.eval.measuring.measure import CodecSpec

    real = CodecSpec.version
    monkeypatch.setattr(
        CodecSpec, "version", property(lambda spec: real.fget(spec) + " of another day")
    )
    with pytest.raises(RunError, match=r"would measure .* install the same version there"):
        run(images, CODECS, BPPS, tmp_path, cluster="local:1")
