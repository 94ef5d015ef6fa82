"""The documents: their links lead somewhere, their examples run, and they name what there is."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def python_lines(text: str) -> str:
    """A Markdown text with all but its Python blocks blanked out, so that line numbers stay."""
    language = ""
    lines = []
    for line in text.splitlines():
        if line.startswith("```"):
            language = "" if language else line[3:] or "text"
            lines.append("")
        else:
            lines.append(line if language == "python" else "")
    return "\n".join(lines)


def named_modules() -> set[str]:
    """The files and folders in the tables of the architecture, from the root of the project."""
    below_engine, below_root = ARCHITECTURE.split("| on top of it | |")
    inside = re.findall(r"`([a-z_/]+\.py)`", below_engine.partition("| in `lsmsql/engine/` | |")[2])
    rows = re.findall(r"^\| (`.*?`) \|", below_root.partition("\n## ")[0], re.MULTILINE)
    outside = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    return {f"lsmsql/engine/{name}" for name in inside} | set(outside)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [t for t in targets if not (document.parent / t).exists()] == []


def test_every_module_the_architecture_names_exists():
    assert [name for name in sorted(named_modules()) if not (ROOT / name).exists()] == []


def test_the_architecture_names_every_module_of_the_engine():
    engine = ROOT / "lsmsql" / "engine"
    modules = {p.relative_to(ROOT).as_posix() for p in engine.rglob("*.py") if p.stem != "__init__"}
    assert sorted(modules - named_modules()) == []


def test_the_architecture_links_every_decision_and_format():
    documents = [*(ROOT / "docs" / "decisions").iterdir(), *(ROOT / "docs" / "formats").iterdir()]
    links = re.findall(r"\]\(([^)#]+)", ARCHITECTURE)
    assert {f"{path.parent.name}/{path.name}" for path in documents} <= set(links)


def test_decisions_are_numbered_and_built_alike():
    for number, path in enumerate(sorted((ROOT / "docs" / "decisions").iterdir()), 1):
        text = path.read_text(encoding="utf-8")
        assert path.name.startswith(f"{number:04d}-")
        assert text.startswith(f"# {number}. ")
        parts = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Rejected", "Consequences"]


@pytest.mark.parametrize(
    ("name", "least"),
    [("python.md", 50), ("dbapi.md", 25), ("sql.md", 25), ("sqlalchemy.md", 15)],
)
def test_the_examples_of_the_python_api_run(name, least, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = ROOT / "docs" / name
    source = python_lines(path.read_text(encoding="utf-8"))
    examples = doctest.DocTestParser().get_doctest(source, {}, path.name, str(path), 0)
    report: list[str] = []
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples, out=report.append)
    assert results.attempted > least
    assert results.failed == 0, "".join(report)
