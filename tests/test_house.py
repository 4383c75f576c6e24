"""The house: what may import what, no circles, what is shipped, how large rooms and files are."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from places import ROOT

SKIPPED = {"tests", "build", "dist"}
FOLDERS = ("codecs", "shared", "eval", "corpora")
# Who may import whom; its own folder goes without saying. `shared` finds codecs only through
# the registry; of `shared`, `corpora` takes the errors and the reading of image files.
ALLOWED = {
    "eval": {"codecs", "shared", "corpora", ""},
    "codecs": {"shared", ""},
    "corpora": {"shared"},
    "shared": {""},
}
HEAVY = {"torch", "cupy", "scipy", "matplotlib", "skimage"}


def sources(root: Path) -> Iterator[tuple[tuple[str, ...], Path]]:
    """Every module of the package with its dotted path under ``fractour``."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if parts[0] not in SKIPPED and not any(part.startswith(".") for part in parts):
            yield parts, path


def absolute(parts: tuple[str, ...], node: ast.AST) -> list[str]:
    """Modules that an import statement names, ``fractour...`` for those of the package."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    if not node.level:
        return [node.module or ""]
    package = ["fractour", *parts[:-1]]
    base = package[: len(package) - node.level + 1]
    if node.module:
        return [".".join([*base, node.module])]
    # ``from . import x`` names modules or what __init__ holds.
    return [".".join([*base, alias.name]) for alias in node.names]


def imports(root: Path) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """Module, what it imports, and whether that happens as soon as it is loaded."""
    for parts, path in sources(root):
        tree = ast.parse(path.read_text("utf-8"))
        typing_only: set[int] = set()
        late: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                typing_only |= {id(inner) for inner in ast.walk(node)}
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                late |= {id(inner) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            for name in absolute(parts, node):
                yield parts, name, id(node) not in late | typing_only


def test_the_walk_sees_relative_imports(tmp_path: Path) -> None:
    (tmp_path / "codecs" / "x").mkdir(parents=True)
    (tmp_path / "codecs" / "x" / "y.py").write_text(
        "from ...shared.errors import E\nfrom . import z\nimport numpy as np\n"
        "def f():\n    import torch\n"
    )
    assert [(name, soon) for _, name, soon in imports(tmp_path)] == [
        ("fractour.shared.errors", True),
        ("fractour.codecs.x.z", True),
        ("numpy", True),
        ("torch", False),
    ]


def test_packages_are_the_folders_on_disk(root: Path) -> None:
    config = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    listed = config["tool"]["setuptools"]["packages"]
    found = {"fractour"}
    for folder in FOLDERS:
        for init in (root / folder).rglob("__init__.py"):
            found.add(".".join(("fractour", *init.parent.relative_to(root).parts)))
    assert sorted(listed) == sorted(found)
    # And a module in a folder without __init__.py would be shipped by nobody.
    for parts, path in sources(root):
        assert (path.parent / "__init__.py").exists(), f"{'/'.join(parts)} is in no package"


def test_imports_point_one_way(root: Path) -> None:
    wrong = []
    for parts, name, _ in imports(root):
        home, _, rest = name.partition(".")
        if len(parts) == 1:
            continue
        folder = parts[0]
        assert home != "eval" or rest, "top-level `eval` would be another package"
        if home in FOLDERS and home != "codecs":
            wrong.append(f"{'/'.join(parts)} imports {name}: use a relative import")
        if home != "fractour":
            continue
        target = rest.split(".")[0]
        target = target if target in FOLDERS else ""
        if target != folder and target not in ALLOWED[folder]:
            wrong.append(f"{'/'.join(parts)} imports {name}")
    assert wrong == []


def test_corpora_knows_little_of_shared(root: Path) -> None:
    used = {name for parts, name, _ in imports(root) if parts[0] == "corpora" and "shared" in name}
    assert used <= {"fractour.shared.errors", "fractour.shared.picture.files"}


def test_codecs_know_nothing_of_each_other(root: Path) -> None:
    for parts, name, _ in imports(root):
        if parts[0] == "codecs" and len(parts) > 2 and name.startswith("fractour.codecs."):
            assert name.split(".")[2] == parts[1], f"{'/'.join(parts)} imports {name}"


def test_only_the_backend_imports_cupy(root: Path) -> None:
    users = set()
    for parts, path in sources(root):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            names = absolute(parts, node)
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                names = [ast.literal_eval(a) for a in node.args[:1] if isinstance(a, ast.Constant)]
            if any(name.split(".")[0] == "cupy" for name in names):
                users.add("/".join(parts))
    assert users <= {"shared/backend.py"}


def test_heavy_modules_are_imported_late(root: Path) -> None:
    eager = {
        f"{'/'.join(parts)}: {name}"
        for parts, name, soon in imports(root)
        if soon
        and name.split(".")[0] in HEAVY
        and parts[0] in {"shared", "codecs", "corpora"}
        and not any("network" in part or part == "training" for part in parts)
    }
    assert eager == set()


def modules(root: Path) -> dict[str, str]:
    """Dotted name of every module and package under ``fractour``, and its file."""
    found = {}
    for parts, _ in sources(root):
        name = parts[:-1] if parts[-1] == "__init__.py" else (*parts[:-1], parts[-1][:-3])
        found[".".join(("fractour", *name))] = "/".join(parts)
    return found


def arrows(root: Path) -> dict[str, set[str]]:
    """Which file takes something from which; imports inside functions and for types count too."""
    files = modules(root)
    found: dict[str, set[str]] = {file: set() for file in files.values()}
    for parts, path in sources(root):
        mine = "/".join(parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = absolute(parts, node)
            if isinstance(node, ast.ImportFrom) and node.module:
                # ``from package import module`` takes the module, not the package.
                (package,) = names
                names = [f"{package}.{alias.name}" for alias in node.names]
                names = [name if name in files else package for name in names]
            # ``from . import name`` may name what __init__ holds.
            names = [n if n in files else n.rpartition(".")[0] for n in names]
            found[mine] |= {files[name] for name in names if name in files} - {mine}
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Some circle of a graph; empty if there is none."""
    done: set[str] = set()

    def follow(at: str, way: list[str]) -> list[str]:
        if at in way:
            return [*way[way.index(at) :], at]
        if at in done:
            return []
        for after in sorted(graph.get(at, ())):
            if found := follow(after, [*way, at]):
                return found
        done.add(at)
        return []

    return next((found for start in sorted(graph) if (found := follow(start, []))), [])


def rooms(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same arrows between rooms: folders below the top ones, and the modules beside them.

    What a room's ``__init__`` and its data offer belongs to the room.
    """

    def room(file: str) -> str:
        parts = file.split("/")
        depth = 3 if parts[0] == "codecs" or parts[:2] == ["shared", "tiles"] else 2
        return "/".join(parts[:depth])

    found: dict[str, set[str]] = {}
    for file, others in graph.items():
        mine = found.setdefault(room(file), set())
        mine |= {room(other) for other in others} - {room(file)}
    return found


def test_the_walk_sees_circles(tmp_path: Path) -> None:
    (tmp_path / "shared" / "a").mkdir(parents=True)
    for folder in ("shared", "shared/a"):
        (tmp_path / folder / "__init__.py").write_text("")
    (tmp_path / "shared" / "x.py").write_text("from .a import y\n")
    inner = tmp_path / "shared" / "a" / "y.py"
    inner.write_text("def f():\n    from .. import z\n")
    (tmp_path / "shared" / "z.py").write_text("from .errors import E\n")
    (tmp_path / "shared" / "errors.py").write_text("E = 1\n")
    graph = arrows(tmp_path)
    assert graph["shared/a/y.py"] == {"shared/z.py"}
    assert circle(graph) == circle(rooms(graph)) == []
    (tmp_path / "shared" / "z.py").write_text("def f():\n    from .x import anything\n")
    assert circle(arrows(tmp_path)) == [
        "shared/a/y.py",
        "shared/z.py",
        "shared/x.py",
        "shared/a/y.py",
    ]
    # A circle of rooms that is none of files.
    (tmp_path / "shared" / "z.py").write_text("from .a import other\n")
    (tmp_path / "shared" / "a" / "other.py").write_text("")
    graph = arrows(tmp_path)
    assert circle(graph) == []
    assert circle(rooms(graph)) == ["shared/a", "shared/z.py", "shared/a"]


@pytest.fixture(scope="module")
def house() -> dict[str, set[str]]:
    """The arrows of this repository."""
    return arrows(ROOT)


def test_no_circles_between_files(house: dict[str, set[str]]) -> None:
    assert circle(house) == []


def test_no_circles_between_rooms(house: dict[str, set[str]]) -> None:
    assert circle(rooms(house)) == []


ROOMS = ("format", "synthesis", "analysis", "network", "show")


def test_every_codec_has_the_same_rooms(root: Path) -> None:
    for codec in (root / "codecs").iterdir():
        if not (codec / "__init__.py").exists():
            continue
        found = {path.stem for path in codec.iterdir() if path.suffix in {"", ".py"}}
        found -= {"__init__", "__pycache__"}
        assert found <= {*ROOMS, "priors", "ablation", "javascript"}, codec.name
        assert found >= {*ROOMS} - {"network"}, codec.name


def test_rooms_of_a_codec_lie_one_below_the_other(house: dict[str, set[str]]) -> None:
    """What writes and reads knows no pixels, pixels know no search, the search no network."""
    order = {name: at for at, name in enumerate(ROOMS[:4])}
    wrong = []
    for file, others in house.items():
        parts = file.removesuffix(".py").split("/")
        # Those of tiles too, which lie in shared.
        if parts[0] not in {"codecs", "shared"} or len(parts) < 3 or parts[2] not in order:
            continue
        for other in others:
            theirs = other.removesuffix(".py").split("/")
            if theirs[:2] == parts[:2] and order.get(theirs[2], -1) > order[parts[2]]:
                wrong.append(f"{file} imports {other}")
    assert wrong == []


def test_rooms_are_small(root: Path) -> None:
    sizes: dict[str, int] = {}
    for parts, _ in sources(root):
        folder = "/".join(parts[:-1])
        sizes[folder] = sizes.get(folder, 0) + 1
    for path in (root / "tests").rglob("*.py"):
        folder = path.parent.relative_to(root).as_posix()
        sizes[folder] = sizes.get(folder, 0) + 1
    assert {name: n for name, n in sizes.items() if n > 14} == {}


def test_tests_mirror_the_rooms(root: Path) -> None:
    for path in (root / "tests").rglob("test_*.py"):
        home = path.parent.relative_to(root / "tests")
        assert (root / home).is_dir(), f"{path.relative_to(root)} tests no room"


def test_files_are_short(root: Path) -> None:
    lengths = {
        "/".join(parts): len(path.read_text("utf-8").splitlines()) for parts, path in sources(root)
    }
    assert {name: n for name, n in lengths.items() if n > 420} == {}


def test_no_paths_of_one_machine(root: Path) -> None:
    for parts, path in sources(root):
        text = path.read_text("utf-8")
        assert "/home/" not in text, "/".join(parts)
        assert str(root) not in text, "/".join(parts)


def test_import_is_light(python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    code = (
        "import sys, fractour\n"
        "heavy = {'numpy', 'numba', 'PIL', 'torch', 'scipy', 'cupy', 'rich', 'typer'}\n"
        "print(sorted(heavy & set(sys.modules)), fractour.encode.__name__)\n"
    )
    ended = python(code)
    assert ended.stdout.split() == ["[]", "encode"], ended.stderr


def test_decoding_needs_no_network_and_no_scipy(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'scipy', 'cupy', 'matplotlib', 'safetensors'):\n"
        "    sys.modules[name] = None  # importing it now raises ImportError\n"
        "import numpy as np, fractour\n"
        "image = (np.arange(32 * 40 * 3) % 251).astype(np.uint8).reshape(32, 40, 3)\n"
        "data = fractour.encode(image, budget=400)\n"
        "print(fractour.decode(data).shape)\n"
    )
    ended = python(code)
    assert ended.stdout.strip() == "(32, 40, 3)", ended.stderr


def test_decoding_does_not_load_them_either(
    python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    # Not asked of scipy: numba looks at its version by itself where it is installed.
    code = (
        "import sys\n"
        "import numpy as np, fractour\n"
        "data = fractour.encode(np.zeros((16, 16), np.uint8), budget=100)\n"
        "fractour.decode(data)\n"
        "print(sorted({'torch', 'cupy', 'matplotlib', 'skimage', 'rich'} & set(sys.modules)))\n"
    )
    ended = python(code)
    assert ended.stdout.strip() == "[]", ended.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package unpacked from a wheel that was built from a copy of the sources."""
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("wheel")
    # A copy, so that an old build/ neither leaks into the wheel nor appears in the checkout.
    source = folder / "source"
    hidden = shutil.ignore_patterns(".*", "__pycache__", "tests", "build", "dist", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=hidden)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-q"),
            *("--no-deps", "--no-build-isolation", "-w", str(folder), str(source)),
        ],
        check=True,
        timeout=300,
        cwd=folder,
    )
    (built,) = folder.glob("fractour-*.whl")
    unpacked = folder / "unpacked"
    zipfile.ZipFile(built).extractall(unpacked)
    return unpacked


@pytest.mark.slow
def test_wheel_runs_from_elsewhere(wheel: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(wheel)}
    # The smallest codec: Numba has nothing cached for this path and compiles all it needs.
    code = (
        "import numpy as np, fractour\n"
        "data = fractour.encode(np.full((20, 30, 3), 77, np.uint8), codec='template', budget=200)\n"
        "print(fractour.__file__, fractour.decode(data).shape, len(data) <= 200)\n"
    )
    for words, expected in (
        (["-c", code], f"{wheel / 'fractour' / '__init__.py'} (20, 30, 3) True"),
        (["-m", "fractour", "--version"], "fractour 0.1.0"),
    ):
        ended = subprocess.run(
            [sys.executable, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
            env=env,
        )
        assert ended.stdout.strip() == expected, ended.stderr
    # `corpora verify` needs the manifests, `codecs` the metadata with the entry points.
    ended = subprocess.run(
        [sys.executable, "-m", "fractour", "corpora", "verify", "synthetic"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
        env=env,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_wheel_ships_what_belongs_into_it(wheel: Path, root: Path) -> None:
    shipped = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*") if path.is_file()}
    expected = {f"fractour/{'/'.join(parts)}" for parts, _ in sources(root)}
    expected |= {"fractour/py.typed"}
    expected |= {f"fractour/corpora/{path.name}" for path in (root / "corpora").glob("*.toml")}
    expected |= {
        f"fractour/{path.relative_to(root).as_posix()}"
        for pattern in (
            "codecs/*/*.npz",
            "codecs/*/FORMAT.md",
            "codecs/**/*.js",
            "eval/schema/*.json",
        )
        for path in root.glob(pattern)
    }
    assert expected - shipped == set()
    assert not any(name.startswith(("fractour/tests", "codecs/", "shared/")) for name in shipped)
    assert any(name.endswith("licenses/LICENSE") for name in shipped)
