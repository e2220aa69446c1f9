"""Texts of the repository: phrases that hide what is meant, the README's size, links."""

import ast
import re

import pytest

from tests.helpers.references import Source

PHRASES = {
    "is no (?<![a-z]is no )(?<!there is no )(?!longer|more)[a-z]": 'negate the verb, "is not a"',
    "are non[e](?![a-z])": 'name what is missing: "the list is empty"',
    "that are thos[e]": "name the thing",
    "comes? alon[g]": '"is shipped", "is returned with it"',
    "so man[y](?<![a-z]so man[y])": 'give the noun: "the number of"',
    "as man[y](?<![a-z]as man[y])(?<!at least as man[y])": '"the same number of"',
    "by as muc[h]": '"equally"',
    "whoeve[r]": '"if you", "users who"',
    "nobody['’]s": '"without a speaker"',
    "mende[d](?<![a-z]mende[d])": '"fixed"',
    "which se[e](?![a-z])": '"see"',
    "goe?s? on wher[e]": '"resumable: run the same command again"',
    **{
        f"{word} what is": "name the thing"
        for word in ("for", "from", "into", "of", "over", "refuses")
    },
}
"""What is not written, and what is written instead: in lower case, on one line."""

SIZES = {
    r"(?<=[\s(|+-])\.\d": 'a number begins with its digit: "0.8"',
}
"""The same of Markdown, outside of code."""

NOUNLESS = re.compile(
    r"(of|that|who|whose|which|for|in|at|by|with|from|to|as|on|behind|beside|along|over|what|where|"
    r"when|its|their|those|there|it|they)\b"
)
"""How an entry of `Args` may not begin: it would need the argument's name to be understood."""

FOLDERS = ("audioxai_jax", "benchmarks", "examples", "experiments", "scripts", "tests", "tools")


@pytest.fixture(scope="module")
def pages(repo):
    folders = [repo / name for name in (*FOLDERS, "docs", "checkpoints")]
    found = [*repo.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))]
    return {path: path.read_text(encoding="utf-8") for path in found}


@pytest.fixture(scope="module")
def modules(repo):
    folders = [repo / name for name in (*FOLDERS, "docs")]
    found = [path for folder in folders for path in folder.rglob("*.py")]
    return {path: path.read_text(encoding="utf-8") for path in found}


def places(texts, patterns, repo):
    """`file: the match in its context: advice` of each match. Patterns begin with what is rare."""
    found = []
    for path, text in texts.items():
        line = " ".join(text.lower().split())
        for pattern, advice in patterns.items():
            for match in re.finditer(pattern, line):
                context = line[max(0, match.start() - 20) : match.end() + 20]
                found.append(f"{path.relative_to(repo)}: {context!r}: {advice}")
    return found


def without_code(text):
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def test_phrases(pages, modules, repo):
    assert places(pages | modules, PHRASES, repo) == []


def test_numbers(pages, repo):
    texts = {path: without_code(text) for path, text in pages.items()}
    assert places(texts, SIZES, repo) == []


def entries(docstring):
    """Names and texts of `Args` and `Attributes`."""
    section = None
    for line in docstring.split("\n"):
        indent = len(line) - len(line.lstrip())
        if line.strip() in ("Args:", "Attributes:"):
            section = indent
        elif section is not None and line.strip() and indent <= section:
            section = None
        elif section is not None and indent == section + 2:
            name, colon, text = line.strip().partition(": ")
            if colon:
                yield name, text


def test_entries_of_args_are_noun_phrases(modules, repo):
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    assert [
        f"{path.relative_to(repo)}: {name}: {text}"
        for path, source in modules.items()
        if "Args:" in source or "Attributes:" in source
        for node in ast.walk(ast.parse(source))
        if isinstance(node, kinds)
        for name, text in entries(ast.get_docstring(node) or "")
        if NOUNLESS.match(text)
    ] == []


def test_sentences_of_the_readme_and_the_guides_are_short(pages, repo):
    long = []
    for path, text in pages.items():
        if path.parent not in (repo, repo / "docs") or path.name == "CHANGELOG.md":
            continue
        text = re.sub(r"^```.*?^```|^    [^\n]*$", "", text, flags=re.S | re.M)
        text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`\n]*`", "code", text))
        for paragraph in re.split(r"\n\s*\n|\n\s*(?=- )|\n#+ ", text):
            if paragraph.lstrip().startswith("|"):
                continue
            for sentence in re.split(r"(?<=[.:;?!])\s+", " ".join(paragraph.split())):
                words = re.findall(r"[A-Za-z][\w'’-]*", sentence)
                if len(words) > 30:
                    long.append(f"{path.name}: {len(words)} words: {sentence[:70]}")
    assert long == []


def test_the_readme_fits_on_two_screens(repo):
    lines = (repo / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    tables = re.findall(r"(?:^\|.*\n)+", "\n".join(lines) + "\n", re.MULTILINE)
    assert all(table.count("\n") <= 7 for table in tables)


def anchors(text):
    """Those that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere(pages, repo):
    broken = []
    for path, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            place = path.parent / file if file else path
            if not place.exists() or anchor and anchor not in anchors(place.read_text("utf-8")):
                broken.append(f"{path.relative_to(repo)}: {target}")
    assert broken == []


def test_names_in_docstrings_lead_somewhere(repo):
    assert Source(repo).dead() == []


def test_a_name_that_leads_nowhere_is_noticed(repo):
    source = Source(repo)
    for name in (
        "masks.top_fraction",
        "weights.registry.NETWORKS",
        "audioxai_jax.saliency",
        "audioxai_jax.read_clip",
    ):
        assert not source.is_dead(name, set())
    for name in (
        "masks.no_such",
        "audioxai_jax.no_such",
        "weights.no_such.NETWORKS",
        "tracing.reading.Reading.no_such",
    ):
        assert source.is_dead(name, set())
    assert not source.is_dead("codecs.shape", {"codecs"}) and not source.is_dead("x.y", set())


def test_each_study_says_what_it_asks_and_how(repo):
    studies = [path for path in (repo / "experiments").iterdir() if list(path.glob("*.py"))]
    for study in studies:
        text = (study / "README.md").read_text(encoding="utf-8")
        said = " ".join(re.findall(r"^(?:\*\*|#+ )(.*)", text, re.MULTILINE))
        missing = [word for word in ("Question", "Command", "Protocol") if word not in said]
        assert not missing, f"experiments/{study.name}/README.md lacks {missing}"
