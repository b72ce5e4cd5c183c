"""The house: what stands where, what may know what, how long things may be.

import-linter (pyproject.toml) holds the dependency rule between packages; here stands what it cannot say.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [ROOT / "cli.py", *sorted(ROOT.glob("custody/**/*.py")), *sorted(ROOT.glob("forensics/**/*.py"))]
OWN = {"cli", "custody", "forensics"}
ALLOWED_AT_TOP = {
    *("forensics", "custody", "cli.py", "sample_images", "tests", "alembic", "pyproject.toml", "README.md"),
    *("docs", "benchmarks", ".ci", ".gitignore", "CHANGELOG.md", "Makefile", "LICENSE", "requirements.lock"),
}

VERIFIERS = ("custody.ledger.verify", "custody.ledger.bundle")
"""Where the verification path starts: an opposing expert must read these and all of ours they stand on."""

TUPLES = {
    "forensics.media": ("MEDIA", "test_media_{}.py"),
    "forensics.archives": ("ARCHIVES", "test_archive_{}.py"),
    "forensics.parsers": ("PARSERS", "parsers/**/test_{}.py"),
    "forensics.recognisers": ("RECOGNISERS", "recognisers/test_{}.py"),
    "custody.handling": ("RULES", "handling/test_{}.py"),
    "custody.report.exports": ("EXPORTS", "report/exports/test_{}.py"),
}
"""Package -> its ordered tuple, and where the test of one of its modules stands below the package's tests."""

STANDALONE = Path("custody/report/standalone/verify.py")
"""The verifier handed to others: one file by its purpose, so longer than others may be; its own limit stands below."""

pytestmark = pytest.mark.source


def name_of(path: Path) -> str:
    """The dotted name of a module of ours."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports_of(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it, as absolute names (`from a import b` gives a and a.b)."""
    package = name_of(path).split(".") if path.name == "__init__.py" else name_of(path).split(".")[:-1]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            kept = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*kept, *([node.module] if node.module else [])])
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def is_command(path: Path) -> bool:
    return path == ROOT / "cli.py" or "commands" in path.relative_to(ROOT).parts


def reaches(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def show(paths: object) -> str:
    return "\n".join(sorted(str(path) for path in paths))  # type: ignore[attr-defined]


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_nothing_uninvited_stands_at_the_top() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split("/")[0] for line in tracked.splitlines()} <= ALLOWED_AT_TOP


def test_alembic_folder_does_not_shadow_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
    code = "import alembic; print(alembic.__version__)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_only_the_command_line_imports_commands() -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in SOURCES
        if not is_command(path)
        for name in imports_of(path)
        if reaches(name, "custody.commands") or reaches(name, "forensics.commands")
    }
    assert not found, show(found)


def test_only_the_command_line_speaks() -> None:
    """click, rich and print belong to commands; everything else answers with values."""
    speakers = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in SOURCES
        if not is_command(path)
        for name in imports_of(path)
        if name in {"click", "rich"} or name.startswith(("click.", "rich."))
    }
    printers = {
        f"{path.relative_to(ROOT)}:{node.lineno} prints"
        for path in SOURCES
        if not is_command(path) and path.parent.name != "standalone"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert not speakers | printers, show(speakers | printers)


def file_of(name: str) -> Path | None:
    """The file of a module of ours, or None when the name is something inside a module."""
    path = ROOT / name.replace(".", "/")
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.exists()), None)


def verification_path() -> set[Path]:
    """The verifiers' files and those of ours they import, directly or not."""
    found: set[Path] = set()
    waiting = [path for path in map(file_of, VERIFIERS) if path]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [file for name in imports_of(path) if name.split(".")[0] in OWN and (file := file_of(name))]
    return found


def test_what_an_expert_must_read_stands_alone_and_is_short() -> None:
    """The verification path stays inside the ledger, writes nothing, opens nothing, asks no clock."""
    shut = {"custody.ledger.store", "custody.ledger.schema", "custody.ledger.checkpoint"}
    outside = {"cryptography", "custody", *sys.stdlib_module_names} - {
        "sqlite3",
        "socket",
        "time",
        "pathlib",
        "os",
    }
    files = verification_path()
    assert files, "no verifier to read"
    for path in files:
        assert name_of(path) == "custody" or reaches(name_of(path), "custody.ledger"), path
        assert name_of(path) not in shut
        assert {name.split(".")[0] for name in imports_of(path)} <= outside, path
    lines = {name_of(path): code_lines(path) for path in files}
    assert sum(lines.values()) <= 1300, lines  # docs/adr/0005-verification-path.md


def code_lines(path: Path) -> int:
    """Lines that hold code: neither blank, nor comment, nor docstring (those help the reader, not the program)."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with path.open(encoding="utf-8") as file:
        tokens = [token for token in tokenize.generate_tokens(file.readline) if token.type not in silent]
    code = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(tree_of(path)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), lineno=first, end_lineno=int(last)):
                code -= set(range(first, last + 1))
    return len(code)


def test_the_standalone_verifier_shares_nothing_with_us() -> None:
    """One file that an expert reads from top to bottom: the standard library and `cryptography`, at most 1,000 lines
    of code (counted as those of the verification path: what helps the reader is not counted).
    """
    path = ROOT / STANDALONE
    assert {name.split(".")[0] for name in imports_of(path)} <= {"cryptography", *sys.stdlib_module_names}
    assert code_lines(path) <= 1000
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize("package", ["parsers", "recognisers"])
def test_parsers_and_recognisers_know_only_the_model(package: str) -> None:
    """Bytes in, plain values out: of ours only `forensics.model` and their own folder."""
    shut = {
        "os",
        "pathlib",
        "shutil",
        "glob",
        "subprocess",
        "socket",
        "sqlite3",
        "tempfile",
        "pytsk3",
        "pyewf",
    }
    allowed = ("forensics.model", f"forensics.{package}")
    for path in sorted(ROOT.glob(f"forensics/{package}/**/*.py")):
        names = set(imports_of(path)) - {"forensics"}
        assert not shut & {name.split(".")[0] for name in names}, path
        ours = {name for name in names if name.split(".")[0] in OWN}
        assert all(any(reaches(name, part) for part in allowed) for name in ours), f"{path}: {show(ours)}"
        calls = (node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
        assert not [call for call in calls if isinstance(call, ast.Name) and call.id == "open"], path


def swallows(handler: ast.ExceptHandler) -> bool:
    """Whether it catches everything (alone or among others) and does not end by raising it again."""
    names = ast.walk(handler.type) if handler.type else iter([ast.Name("BaseException")])
    broad = any(isinstance(node, ast.Name) and node.id in {"Exception", "BaseException"} for node in names)
    last = handler.body[-1]
    return broad and not (isinstance(last, ast.Raise) and last.exc is None)


def test_only_the_examination_contains_a_parsers_failure() -> None:
    """A defect of ours may vanish nowhere else; `cli.main` alone turns what is left into an exit code."""
    allowed = {ROOT / "forensics" / "examine" / "contents.py", ROOT / "cli.py"}
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        if path not in allowed
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and swallows(node)
    }
    assert not found, show(found)


def test_files_and_functions_can_be_taken_in() -> None:
    counts = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    del counts[STANDALONE]
    assert not {f"{path}: {lines} lines" for path, lines in counts.items() if lines > 400}
    long = {f"{path.relative_to(ROOT)}: {node.name}" for path, node in functions() if length(node) > 60}
    assert not long, show(long)
    lines = sorted(length(node) for _, node in functions())
    assert lines[len(lines) // 2] <= 10


def test_the_command_line_stays_a_list_of_commands() -> None:
    assert len((ROOT / "cli.py").read_text(encoding="utf-8").splitlines()) <= 80


def members(package: str) -> tuple[ModuleType, tuple[object, ...]]:
    module = importlib.import_module(package)
    return module, getattr(module, TUPLES[package][0])


def home(member: object) -> str:
    """The module a member of a tuple was written in, be it a module, a class, a function or an instance."""
    if isinstance(member, ModuleType):
        return member.__name__
    return getattr(member, "__module__", None) or type(member).__module__


@pytest.mark.parametrize("package", [name for name in TUPLES if (ROOT / name.replace(".", "/")).is_dir()])
def test_every_file_of_a_family_is_registered_tested_and_documented(package: str) -> None:
    """One file plus one line in the tuple; a leading underscore marks what several members share."""
    module, tuple_members = members(package)
    found = Path(str(module.__file__)).parent.rglob("[!_]*.py")
    files = {path.stem for path in found if not path.parent.name.endswith("databases")}  # queries, of one member
    assert {home(member).rsplit(".", 1)[-1] for member in tuple_members} == files
    folder = ROOT / "tests" / package.split(".")[0]
    for name in files:
        assert list(folder.glob(f"**/{TUPLES[package][1].format(name)}")), f"{package}.{name} has no test file"
    documents = "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("docs/**/*.md")))
    undocumented = {name for name in files if f"`{name}`" not in documents}
    assert not undocumented, f"docs/ does not name {show(undocumented)} of {package}"


def test_every_dependency_is_used_and_every_import_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [lines for name, lines in project["optional-dependencies"].items() if name != "all"]
    declared = {re.split(r"\[|>=", line)[0] for lines in (project["dependencies"], *extras) for line in lines}
    owners = packages_distributions()
    files = [*SOURCES, *ROOT.glob("alembic/**/*.py")]
    outside = {name.split(".")[0] for path in files for name in imports_of(path)} - OWN - {""}
    used = {owners.get(name, [name])[0].lower().replace("_", "-") for name in outside - sys.stdlib_module_names}
    assert used | {"tzdata"} == declared  # zoneinfo finds tzdata, nobody imports it


def test_no_address_of_a_package_index_is_committed() -> None:
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", "Makefile", "pyproject.toml")]
    assert not [text for text in texts if "://" in text]
    assert "--hash=sha256:" in texts[0]
