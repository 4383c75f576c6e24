from __future__ import annotations

import hashlib
import importlib.resources
import json
import os

import jsonschema
import numpy as np
import pytest
from fractour.corpora.images import pixel_sha256
from fractour.eval.judging.metrics import METRICS, MetricError, psnr_rgb
from fractour.eval.measuring import measure, runner
from fractour.eval.measuring.anchors import decode_anchor
from fractour.eval.measuring.measure import CodecSpec, Task, measure_task
from fractour.eval.measuring.runner import ArrayImage, run
from fractour.eval.measuring.running import pool
from fractour.eval.measuring.store import (
    FILE,
    ROWS_FILE,
    RUN_FILE,
    RowLog,
    RunError,
    file_path,
    finite,
    load_run,
    read_rows,
    row_key,
)
from fractour.shared.errors import BudgetError, FractourError, UnknownCodecError
from skimage import data

SCHEMAS = importlib.resources.files("fractour.eval") / "schema"
BPPS = [1.0, 2.0]
TIMES = {"encode_s", "decode_s", "started", "jobs"}


@pytest.fixture(scope="module")
def images():
    astronaut = data.astronaut()
    return [
        ArrayImage("face", astronaut[:80, 180:276]),
        ArrayImage("grey", data.camera()[100:171, 200:290]),
        ArrayImage("suit", astronaut[300:390, 100:180]),
    ]


class Stub:
    """Stands in for `shared.api`: keeps as many rows of pixels as the budget has bytes for."""

    def __init__(self):
        self.encoded = 0
        self.fail = False

    def encode(self, image, *, codec, budget, encoder, rank, effort):
        self.encoded += 1
        if self.fail:
            raise KeyboardInterrupt
        assert (codec, encoder, rank) == ("stub", "search", "contrast")
        if budget < 700:
            message = "too small, the smallest file has 700 bytes"
            raise BudgetError(message, 700)
        size = np.array(np.atleast_3d(image).shape, ">u2").tobytes()
        return size + bytes([effort]) * (budget - len(size))

    def decode(self, data):
        shape = np.frombuffer(data[:6], ">u2")
        return np.full(shape, data[6] * 20, np.uint8)

    def info(self, data):
        tone = 8.0 * (len(data) - 6)
        return {"bits": {"tone": tone, "never": float("nan")}, "kinds": {"stub": tone}}


@pytest.fixture
def stub(monkeypatch):
    found = Stub()
    monkeypatch.setattr(measure, "api", found)
    monkeypatch.setattr(CodecSpec, "version", property(lambda spec: "1"))
    monkeypatch.setattr(measure, "_warm", set())
    return found


def spec(effort=5):
    return CodecSpec("stub", {"encoder": "search", "rank": "contrast", "effort": effort})


def validate(run_result):
    row_schema = json.loads((SCHEMAS / "row.schema.json").read_text())
    run_schema = json.loads((SCHEMAS / "run.schema.json").read_text())
    for schema in (row_schema, run_schema):
        jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(run_result.meta, run_schema)
    jsonschema.validate(json.loads((run_result.folder / RUN_FILE).read_text()), run_schema)
    for row in run_result.rows:
        jsonschema.validate(row, row_schema)


def test_rows_of_anchors(images, tmp_path):
    result = run(images, ["jpeg", "jpeg2000"], BPPS, tmp_path, command=["compare", "--seed", "3"])
    validate(result)
    assert len(result.rows) == 3 * 2 * 2
    order = [(row["codec"], row["image"], row["target_bpp"]) for row in result.rows]
    assert order == [
        (codec, name, bpp)
        for codec in ("jpeg", "jpeg2000")
        for name in ("face", "grey", "suit")
        for bpp in BPPS
    ]
    by_key = {(row["codec"], row["image"], row["target_bpp"]): row for row in result.rows}
    row = by_key["jpeg2000", "face", 2.0]
    assert row["target_bytes"] == 80 * 96 * 2 // 8
    assert row["file_bytes"] <= row["target_bytes"]
    assert row["bpp"] == 8 * row["file_bytes"] / (80 * 96)
    assert (row["width"], row["height"], row["channels"]) == (96, 80, 3)
    assert row["image_sha256"] == pixel_sha256(images[0].pixels)
    assert row["status"] == "ok"
    assert row["ms_ssim"] is None  # the image is too small
    # The row tells of the very bytes and pixels that the anchor gives.
    encoded = measure.AnchorSearch("jpeg2000", images[0].pixels).best(row["target_bytes"]).data
    assert row["bitstream_sha256"] == hashlib.sha256(encoded).hexdigest()
    decoded = decode_anchor("jpeg2000", encoded)
    assert row["pixels_sha256"] == pixel_sha256(decoded)
    assert row["psnr_rgb"] == psnr_rgb(images[0].pixels, decoded)
    low = by_key["jpeg", "suit", 1.0]
    assert low["status"] in ("ok", "unreachable")
    meta = result.meta
    assert meta["command"] == ["compare", "--seed", "3"]
    assert meta["versions"]["openjpeg"]
    assert meta["corpus"]["n_images"] == 3
    assert meta["finished"] >= meta["created"]
    assert [entry["codec"] for entry in meta["codecs"]] == ["jpeg", "jpeg2000"]
    assert "progressive" in meta["codecs"][0]["settings"]


def test_unreachable_and_error_rows(images, stub, tmp_path):
    alpha = ArrayImage("alpha", np.dstack([images[0].pixels, np.full((80, 96), 200, np.uint8)]))
    result = run([alpha], [spec(), "jpeg", "webp"], [0.1, 2.0], tmp_path)
    validate(result)
    rows = {(row["codec"], row["target_bpp"]): row for row in result.rows}
    low = rows["stub", 0.1]
    assert (low["status"], low["smallest_bytes"], low["error"]) == (
        "unreachable",
        700,
        "BudgetError",
    )
    assert low["file_bytes"] is None
    assert low["psnr_rgb"] is None
    assert rows["stub", 2.0]["status"] == "ok"
    assert rows["stub", 2.0]["bits"] == {"tone": 8.0 * (1920 - 6), "never": None}
    assert rows["jpeg", 2.0]["status"] == "error"
    assert rows["jpeg", 2.0]["error"] == "ImageInputError"
    assert "transparency" in rows["jpeg", 2.0]["message"]
    assert rows["webp", 0.1]["status"] == "unreachable"
    assert rows["webp", 0.1]["smallest_bytes"] > rows["webp", 0.1]["target_bytes"]


def test_a_codec_that_breaks_stops_nobody(images, stub, tmp_path, monkeypatch):
    monkeypatch.setattr(stub, "decode", lambda data: np.zeros((3, 3), np.uint8))
    result = run(images[:1], [spec(), "jpeg"], [2.0], tmp_path)
    assert [row["status"] for row in result.rows] == ["error", "ok"]
    assert result.rows[0]["error"] == "ValueError"


def test_resume_measures_only_what_is_missing(images, stub, tmp_path):
    calls = []
    first = run(images, [spec()], BPPS, tmp_path, progress=lambda *at: calls.append(at[:2]))
    assert calls == [(done, 6) for done in range(1, 7)]
    warm = len(measure.WARM_BUDGETS) * 2  # grey and colour
    assert stub.encoded == 6 + warm
    calls.clear()
    again = run(images, [spec()], BPPS, tmp_path, progress=lambda *at: calls.append(at[:2]))
    assert (calls, stub.encoded) == ([], 6 + warm)
    assert again.rows == first.rows
    assert again.meta["created"] == first.meta["created"]
    more = run(images, [spec(), spec(7)], [*BPPS, 3.0], tmp_path)
    assert stub.encoded == 6 + warm + 3 + 9 + warm
    assert len(more.rows) == 18
    assert [row for row in more.rows if row in first.rows] == first.rows
    validate(more)
    # A smaller request gives its own rows, the folder keeps all.
    part = run(images, [spec(7)], [3.0], tmp_path)
    assert len(part.rows) == 3
    assert len(load_run(tmp_path).rows) == 18
    assert load_run(tmp_path).meta["bpps"] == [1.0, 2.0, 3.0]
    run(images, [spec(7)], [3.0], tmp_path, fresh=True)
    assert len(load_run(tmp_path).rows) == 3


def test_interrupt_loses_no_finished_row(images, stub, tmp_path):
    def interrupt(done, total, row):
        # What is reported is on disk already, were the process to be killed now.
        assert len(read_rows(tmp_path / ROWS_FILE)) == done
        stub.fail = done == 3

    with pytest.raises(KeyboardInterrupt):
        run(images, [spec()], BPPS, tmp_path, progress=interrupt)
    kept = load_run(tmp_path)
    assert len(kept.rows) == 3
    assert kept.meta["finished"] is None
    validate(kept)
    stub.fail = False
    done = []
    result = run(images, [spec()], BPPS, tmp_path, progress=lambda *at: done.append(at[0]))
    assert done == [4, 5, 6]
    assert result.meta["finished"]


def test_torn_last_line(images, stub, tmp_path):
    whole = run(images, [spec()], BPPS, tmp_path)
    path = tmp_path / ROWS_FILE
    text = path.read_bytes()
    path.write_bytes(text[:-40])
    assert len(load_run(tmp_path).rows) == 5
    before = stub.encoded
    again = run(images, [spec()], BPPS, tmp_path)
    assert stub.encoded == before + 1
    timeless = [
        [{k: v for k, v in row.items() if k not in TIMES} for row in rows]
        for rows in (again.rows, whole.rows)
    ]
    assert timeless[0] == timeless[1]
    assert path.read_bytes().count(b"\n") == 6
    # Only the newline is missing: the row counts.
    path.write_bytes(path.read_bytes()[:-1])
    run(images, [spec()], BPPS, tmp_path)
    assert stub.encoded == before + 1
    with RowLog(path):
        pass
    assert len(read_rows(path)) == 6
    assert path.read_bytes().endswith(b"\n")


def test_damaged_middle_line_is_named(images, stub, tmp_path):
    run(images, [spec()], BPPS, tmp_path)
    path = tmp_path / ROWS_FILE
    lines = path.read_bytes().split(b"\n")
    lines[1] = lines[1][:-3]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(RunError, match="line 2"):
        run(images, [spec()], BPPS, tmp_path)


def test_errors_are_tried_again(images, stub, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(stub, "info", lambda data: {})
        broken = run(images, [spec()], [2.0], tmp_path)
    assert {row["error"] for row in broken.rows} == {"KeyError"}
    assert {row["status"] for row in run(images, [spec()], [2.0], tmp_path).rows} == {"ok"}
    assert len(load_run(tmp_path).rows) == 3


def test_a_new_metric_measures_again(images, stub, tmp_path):
    few = run(images, [spec()], [2.0], tmp_path, metrics=["psnr_y"])
    assert set(METRICS) & set(few.rows[0]) == {"psnr_y"}
    more = run(images, [spec()], [2.0], tmp_path)
    assert set(METRICS) <= set(more.rows[0])
    assert len(load_run(tmp_path).rows) == 3


def test_other_images_are_refused(images, stub, tmp_path):
    run(images, [spec()], [2.0], tmp_path)
    with pytest.raises(RunError, match="other images"):
        run(images[:2], [spec()], [2.0], tmp_path)
    assert len(run(images[:2], [spec()], [2.0], tmp_path, fresh=True).rows) == 2


def test_not_a_run(tmp_path, images, stub):
    with pytest.raises(RunError, match=r"no run\.json"):
        load_run(tmp_path)
    (tmp_path / ROWS_FILE).write_text("precious\n")
    with pytest.raises(RunError, match="without"):
        run(images, [spec()], [2.0], tmp_path)
    (tmp_path / RUN_FILE).write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        load_run(tmp_path)
    (tmp_path / RUN_FILE).write_text('{"schema": "fractour.run/9"}')
    with pytest.raises(RunError, match=r"fractour\.run/9"):
        load_run(tmp_path)


def test_same_pixels_under_two_names_are_two_images(images, stub, tmp_path):
    twins = [images[0], ArrayImage("twin", images[0].pixels)]
    assert len(run(twins, [spec()], [2.0], tmp_path).rows) == 2
    with pytest.raises(FractourError, match="share a name"):
        run([images[0], images[0]], [spec()], [2.0], tmp_path)


@pytest.mark.parametrize(
    "change", [{"codecs": []}, {"bpps": []}, {"bpps": [0.0]}, {"bpps": [-1.0]}, {"jobs": 0}]
)
def test_nonsense(change, images, stub, tmp_path):
    request = {"codecs": [spec()], "bpps": [1.0]} | change
    with pytest.raises(FractourError, match="at least one"):
        run(images, folder=tmp_path / "x", **request)
    assert not (tmp_path / "x").exists()


def test_unknown_metric(images, stub, tmp_path):
    with pytest.raises(MetricError, match="butter"):
        run(images, [spec()], [1.0], tmp_path, metrics=["butter"])


def test_processes_give_the_rows_of_one(images, tmp_path):
    """Anchors only: a worker is a new process and knows no stub."""
    one = run(images, ["jpeg", "webp"], BPPS, tmp_path / "one")
    two = run(images, ["jpeg", "webp"], BPPS, tmp_path / "two", jobs=2)
    validate(two)
    assert {row["jobs"] for row in two.rows} == {2}
    for first, second in zip(one.rows, two.rows, strict=True):
        assert {k: v for k, v in first.items() if k not in TIMES} == {
            k: v for k, v in second.items() if k not in TIMES
        }


def test_interrupted_processes_keep_every_row(images, tmp_path):
    recorded = []

    def interrupt(done, total, row):
        recorded.append(row_key(row))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(images, ["jpeg", "webp"], BPPS, tmp_path, jobs=2, progress=interrupt)
    kept = [row_key(row) for row in load_run(tmp_path).rows]
    assert set(recorded) <= set(kept)
    assert len(run(images, ["jpeg", "webp"], BPPS, tmp_path).rows) == 12


def test_parse():
    assert CodecSpec.parse("jpeg2000") == CodecSpec("jpeg2000")
    with pytest.raises(FractourError, match="takes no options"):
        CodecSpec.parse("jpeg:effort=3")
    with pytest.raises(UnknownCodecError, match="webp"):
        CodecSpec.parse("flif")


@pytest.mark.parametrize("text", ["stub:effort=0", "stub:effort=12", "stub:speed=1", "stub:rank=x"])
def test_parse_options(text, monkeypatch):
    class Codec:
        encoders = ("search",)

    monkeypatch.setattr(measure.registry, "codec_names", lambda: ["stub"])
    monkeypatch.setattr(measure.registry, "get_codec", lambda name: Codec)
    with pytest.raises(FractourError):
        CodecSpec.parse(text)
    assert CodecSpec.parse("stub") == spec()
    assert CodecSpec.parse("stub:effort=7") == spec(7)
    assert [spec().label, spec(7).label] == ["stub", "stub:effort=7"]
    with pytest.raises(FractourError, match="no encoder 'network'"):
        CodecSpec.parse("stub:encoder=network")


def test_task_limit_is_rounded_down():
    task = Task("x", "0", np.zeros((33, 35, 3), np.uint8), CodecSpec("jpeg"), [0.1])
    assert task.limit(0.1) == 14
    assert [row["status"] for row in measure_task(task)] == ["unreachable"]


def test_finite():
    assert finite({"a": [1], "b": {"c": float("inf"), "d": 2.0}}) == {
        "a": [1],
        "b": {"c": None, "d": 2.0},
    }


def test_warm_up_is_once_per_encoder_and_kind_of_picture(images, monkeypatch):
    """On the middle of the picture itself, at the two ends of the budgets."""
    seen = []

    class Coder:
        def __init__(self, spec, image):
            self.spec, self.image = spec, image

        def encode(self, limit):
            seen.append((self.spec.config["encoder"], self.image.shape, limit))
            return b"", 0.0, None

        def decode(self, data):
            raise FractourError  # what fails here fails again in a row, and is kept there

    monkeypatch.setattr(measure, "_warm", set())
    monkeypatch.setattr(measure, "open_coder", Coder)
    colour, grey = data.astronaut()[:200, :100], data.camera()
    for _ in range(2):
        for way in ("search", "network"):
            for image in (colour, grey):
                measure.warm_up(CodecSpec("stub", {"encoder": way}), image)
    assert seen == [
        (way, shape, limit)
        for way in ("search", "network")
        for shape in ((128, 100, 3), (128, 128))
        for limit in measure.WARM_BUDGETS
    ]


def test_other_weights_are_another_encoder(images, stub, tmp_path, monkeypatch):
    """Rows of the old network are neither kept on resuming nor averaged with the new."""
    network = CodecSpec("stub", {"encoder": "network", "rank": "contrast", "effort": 5})
    monkeypatch.setattr(
        stub,
        "encode",
        lambda image, **_: Stub.encode(
            stub, image, codec="stub", budget=900, encoder="search", rank="contrast", effort=5
        ),
    )
    first = run(images, [spec(), network], [2.0], tmp_path)
    found = property(lambda spec: "1" if spec.config["encoder"] == "search" else "1, weights 2")
    monkeypatch.setattr(CodecSpec, "version", found)
    measured = []
    again = run(
        images, [spec(), network], [2.0], tmp_path, progress=lambda *at: measured.append(at[2])
    )
    assert [row["config"]["encoder"] for row in measured] == ["network"] * 3
    assert again.rows[:3] == first.rows[:3]
    kept = load_run(tmp_path)
    assert kept.rows == again.rows
    assert [(e["config"]["encoder"], e["version"]) for e in kept.meta["codecs"]] == [
        ("search", "1"),
        ("network", "1, weights 2"),
    ]
    validate(kept)


def test_the_version_names_the_weights_of_networks_only(tmp_path, monkeypatch):
    class Codec:
        version = 3

    monkeypatch.setattr(measure.registry, "get_codec", lambda name: Codec())
    monkeypatch.setattr(measure, "weights_path", lambda name: tmp_path / "weights.safetensors")
    search, network = (CodecSpec("toy", {"encoder": way}) for way in ("search", "network"))
    versions = []
    for content in (None, b"a", b"b"):
        measure._weights.cache_clear()
        if content is not None:
            (tmp_path / "weights.safetensors").write_bytes(content)
        assert search.version.endswith("format 3")
        versions.append(network.version)
    measure._weights.cache_clear()
    assert versions[0] == search.version
    assert len(set(versions)) == 3
    assert "weights ca978112ca1b" in versions[1]


def test_processes_share_the_cores(monkeypatch):
    monkeypatch.setattr(runner.os, "cpu_count", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "5")
    with pool.shared_cores(3):
        assert os.environ["OMP_NUM_THREADS"] == "2"
        assert os.environ["NUMBA_NUM_THREADS"] == "5"
    assert "OMP_NUM_THREADS" not in os.environ


def test_compiling_is_told_and_is_no_time_of_a_row(images, stub, tmp_path, monkeypatch):
    import numba

    whole, fresh = stub.encode, []

    def encode(image, **options):
        if image.shape[0] == images[0].pixels.shape[0] and not fresh:
            fresh.append(numba.njit(lambda x: x + 1))
            assert fresh[0](1) == 2
        return whole(image, **options)

    monkeypatch.setattr(stub, "encode", encode)
    monkeypatch.setattr(measure, "warm_up", lambda *_: None)  # a kernel that it did not reach
    told = []
    (row,) = run(images[:1], [spec()], [2.0], tmp_path, activity=told.append).rows
    assert told == ["compiling <lambda>"]
    assert stub.encoded == 2
    assert row["encode_s"] < 0.05


def test_encoded_files_are_kept_and_found(images, tmp_path):
    result = run(images[:2], ["jpeg2000", "template"], [2.0], tmp_path, jobs=2)
    for row in result.rows:
        data = file_path(tmp_path, row).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["bitstream_sha256"]
        assert FILE not in row
