"""The arrows of the house: who may import whom, found by walking the import statements."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import tuimon

ROOT = Path(tuimon.__file__).parent
EVERYONE = {"model", "text", "settings", "signs", "patience"}
ALL = {"*"}
ARROWS: dict[str, set[str]] = {
    "": set(),
    "__main__": {"cli"},
    "cli": ALL,
    "commands": ALL,  # what the command line says and does, one module a command
    "ui": {
        "runtime",
        "store",
        "events",
        "diagnose",
        "export",
        "bundle",
    },  # export: tables that are saved as JSON
    "runtime": {"collect", "control", "store", "events", "host"},  # host: it is given one, and hands it on
    "bundle": {"store", "diagnose"},  # the text for a ticket
    "export": {"store", "diagnose"},  # the public JSON
    "collect": {"host", "parse", "tls", "events", "lint"},
    "control": {"host", "parse", "diagnose", "events", "lint"},  # lint: would stunnel accept the file
    "demo": {"host", "control"},
    "lint": {"host", "parse", "diagnose", "export"},  # what stunnel would say to a file, on this machine
    "store": {"diagnose", "events", "parse"},  # parse: whole connections out of the records of a log
    "diagnose": set(),
    "host": set(),
    "events": set(),
    "parse": set(),
    "tls": set(),
    "settings": set(),
    "model": set(),
    "text": set(),
    "signs": set(),
    "patience": set(),
}
THIS_MACHINE = {"psutil", "subprocess", "socket", "watchfiles"}
CALLS = {"open", "io.open", "os.open", "os.stat", "os.lstat", "os.listdir", "os.scandir", "os.kill"}
LOOKS = ("os.path.exists", "os.path.is", "Path(")
BARE = {"model", "text"}
BESIDES_STANDARD = {"msgspec", "tuimon"}  # facts are Structs: made and replaced twenty times as fast


def files() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def noun(module: str) -> str:
    """The part of the house: `tuimon.parse.x509` → `parse`."""
    return ".".join(module.split(".")[1:2])


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, wherever in it, with the line."""
    package = module_name(file).split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            if module == "tuimon":
                yield from ((f"tuimon.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield module, node.lineno


def wrong(file: Path, module: str) -> bool:
    here, there = noun(module_name(file)), noun(module)
    if module == "tuimon" or there in {"", "__version__", here}:
        return False
    if here in BARE and there in EVERYONE:
        return there == "settings"
    if ARROWS[here] >= ALL or there in EVERYONE:
        return False
    return there not in ARROWS[here]


def test_every_part_of_the_house_is_known() -> None:
    """A new part needs its arrow drawn here and in the architecture."""
    assert {noun(module_name(file)) for file in files()} <= ARROWS.keys()


def test_arrows_point_as_drawn() -> None:
    """One way only: a collector never holds the store, and nothing but the command line knows the screen."""
    found = [
        f"{file.relative_to(ROOT)}:{line} imports {module}"
        for file in files()
        for module, line in imports(file)
        if module.partition(".")[0] == "tuimon" and wrong(file, module)
    ]
    assert found == []


def test_only_the_screen_imports_textual_or_rich() -> None:
    """Everything else works without a terminal."""
    found = [
        f"{file.relative_to(ROOT)}:{line} imports {module}"
        for file in files()
        for module, line in imports(file)
        if module.partition(".")[0] in {"textual", "rich"} and noun(module_name(file)) != "ui"
    ]
    assert found == []


def test_facts_and_text_need_little_besides_the_standard_library() -> None:
    """The model can be read anywhere."""
    found = [
        f"{file.relative_to(ROOT)}:{line} imports {module}"
        for file in files()
        if noun(module_name(file)) in BARE
        for module, line in imports(file)
        if module.partition(".")[0] not in BESIDES_STANDARD | sys.stdlib_module_names
    ]
    assert found == []


def reaches_for_the_machine(file: Path) -> Iterator[str]:
    for module, line in imports(file):
        if module.partition(".")[0] in THIS_MACHINE:
            yield f"{file.relative_to(ROOT)}:{line} imports {module}"
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS or called.startswith(LOOKS):
                yield f"{file.relative_to(ROOT)}:{node.lineno} calls {called}"


def test_collectors_and_control_reach_the_machine_through_the_host_only() -> None:
    """So that a machine behind SSH can stand in its place."""
    parts = {"collect", "control"}
    asked = [file for file in files() if noun(module_name(file)) in parts]
    assert [each for file in asked for each in reaches_for_the_machine(file)] == []


@pytest.mark.parametrize("part", ["parse", "tls", "model", "diagnose", "store", "settings", "events", "text"])
def test_grammars_and_judgements_open_nothing(part: str) -> None:
    """Sans-IO: bytes in, facts out."""
    asked = [file for file in files() if noun(module_name(file)) == part]
    found = [each for file in asked for each in reaches_for_the_machine(file)]
    assert asked
    assert found == []


def test_no_headless_module_loads_the_screen() -> None:
    """What is imported at run time, by name, module after module in one process of its own."""
    headless = [
        module_name(file)
        for file in files()
        if noun(module_name(file)) not in {"ui", "cli", "__main__"} and file.stem != "__main__"
    ]
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    loaded = {'textual', 'rich', 'tuimon.ui', 'tuimon.cli'} & sys.modules.keys()\n"
        "    assert not loaded, (name, loaded)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *headless],
        capture_output=True,
        text=True,
        cwd=ROOT.parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr
