"""The tutorial runs as written, in a fresh copy of the repository, to an HTTP answer.

Only this is not as on the reader's machine: installing is left out (the marked blocks), and what
it provides stands in the environment of the tests; the port is a free one; the study has half a
minute; and where the machine has no folder of licences, one with those of installed packages is
named in the study.
"""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as parquet
import pytest
from markdown_it import MarkdownIt

from helpers.checkout import free_port, succeed
from qdistill.adapter.layout import OF_SENTENCE_TRANSFORMERS, read_adapter
from qdistill.adapter.numerics import encode
from qdistill.adapter.pipeline import save_pipeline
from qdistill.storage.tables import matrix_of, read_table

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs/tutorial.md").read_text()
NOT_RUN = "<!-- not run by the test, which runs in an environment where this is done -->"
LICENCES = "/usr/share/common-licenses"
PORT = "5001"
MINUTES, FEWER_MINUTES = "--minutes 2 ", "--minutes 0.5 "
ADAPTER = "mine/results/common-licenses/common-licenses/adapter"
MARK = "### command"
BAD = "curl --silent --write-out ' %{http_code}' --header 'Content-Type: application/json' --data"


def commands():
    """Blocks of the tutorial in order, and whether the test runs each."""
    found, marked = [], False
    for token in MarkdownIt().parse(TUTORIAL):
        if token.type == "html_block":
            marked = token.content.strip() == NOT_RUN
        elif token.type == "fence" and token.info != "text":  # what a command prints
            assert token.info == "sh", "every other block is a command"
            found.append((token.content, not marked))
            marked = False
    return found


def test_there_are_ten_commands_and_only_the_installation_is_not_run():
    assert len(commands()) == 10
    assert [command for command, is_run in commands() if not is_run] == ["pip install .\n"]


def tracked():
    """Names of the files that git tracks."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return listed.stdout.rstrip("\0").split("\0")


def copy_tracked(folder):
    """Copy what a fresh clone holds, as it is in the working tree."""
    for name in tracked():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def texts_of_the_machine(folder):
    """Give the tutorial's folder of licences, or one made of those of installed packages."""
    if Path(LICENCES).is_dir():
        return LICENCES
    folder.mkdir()
    for package in distributions():
        for file in package.files or ():
            if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING")):
                try:
                    text = Path(file.locate()).read_text(encoding="utf-8")
                except (OSError, UnicodeDecodeError):
                    continue
                (folder / f"{package.name}-{file.name}.txt").write_text(text, encoding="utf-8")
    return str(folder)


def installed_environment(folder, programs):
    """Give the environment that the installation leaves, for the copy in `folder`."""
    programs.mkdir()
    program = programs / "qdistill"  # as pip makes it for the copy's entry point
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qdistill "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    foreign = ("MLFLOW_", "SNAKEMAKE_", "QDISTILL_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    path = [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
    return {
        **{k: v for k, v in kept.items() if not k.lower().endswith("_proxy")},
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": str(folder / "workflow"),  # `pip install --editable`
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


@pytest.fixture(scope="module")
def port():
    return str(free_port())


@pytest.fixture(scope="module")
def finished(tmp_path_factory, port):
    """Run all commands in one shell: the copy, and what each command printed."""
    base = tmp_path_factory.mktemp("tutorial")
    (base / "clone").mkdir()
    folder = copy_tracked(base / "clone")
    texts = texts_of_the_machine(base / "common-licenses")
    script = ["set -eo pipefail"]
    for place, (command, is_run) in enumerate(commands(), start=1):
        own = command.replace(LICENCES, texts).replace(PORT, port)
        own = own.replace(MINUTES, FEWER_MINUTES)
        script.append(f"echo; echo '{MARK} {place}'\n{own if is_run else ''}")
        if place == 9:  # once more, with a vector that is none
            (base / "bad.json").write_text(json.dumps({"inputs": [[float("nan")] * 384]}))
            asked = f"{BAD} @{base}/bad.json http://127.0.0.1:{port}/invocations"
            script.append(f"echo; echo '{MARK} 0'\n{asked}")
    (base / "tutorial.sh").write_text("\n".join(script))
    with (base / "output").open("w") as output:
        process = subprocess.Popen(
            ["bash", str(base / "tutorial.sh")],
            cwd=folder,
            env=installed_environment(folder, base / "bin"),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(900)
        finally:
            survivors = end_group(process.pid)
    printed = (base / "output").read_text()
    assert status == 0, printed
    parts = [part.split("\n", 1) for part in printed.split(f"{MARK} ")[1:]]
    return folder, {int(place): text for place, text in parts}, survivors


def end_group(group):
    """Give the processes of a group some seconds to end; kill and return those that do not."""
    members = [each for each in psutil.process_iter() if belongs_to(each, group)]
    survivors = psutil.wait_procs(members, timeout=15)[1]
    survivors = [each for each in survivors if belongs_to(each, group)]
    for each in survivors:
        each.kill()
    return survivors


def belongs_to(process, group):
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


@pytest.mark.workflow
def test_inspect_says_what_the_adapter_is(finished):
    folder, printed, _ = finished
    config = json.loads((folder / ADAPTER / "config.json").read_text())
    assert printed[3].startswith(f"This adapter is `{config['origin']['model']}`")
    names = {path.name for path in (folder / ADAPTER).iterdir()}
    assert names == {"README.md", "config.json", "model.onnx", "model.safetensors"}
    card = (folder / ADAPTER / "README.md").read_text()
    assert "models:/common-licenses@champion" in card and str(folder) not in card
    assert (config["inputs"], config["width"]) == (384, 64)
    assert (folder / "mine/reports/verdict.md").read_text().startswith("# Verdict")
    assert f"The adapter is `{config['origin']['model']}`. Use " in printed[2]
    assert printed[2].count("The adapter is") == printed[6].count("The adapter is") == 1
    assert printed[5].strip() == "torch.Size([1, 64])"


@pytest.mark.workflow
def test_apply_encodes_every_row(finished):
    folder, printed, _ = finished
    latents = read_table("latents", next(folder.glob("mine/data/*/latents.parquet")))
    codes = matrix_of(parquet.read_table(folder / "mine/codes.parquet"), "codes")
    assert f"{len(codes):,} rows written to mine/codes.parquet" in printed[4]
    expected = encode(read_adapter(folder / ADAPTER), matrix_of(latents, "features"))
    np.testing.assert_allclose(codes, expected, atol=1e-6)
    assert set(latents["split"].to_pylist()) == {"train", "unlabelled", "heldout"}


@pytest.mark.workflow
def test_the_adapter_goes_behind_its_encoder(finished, tmp_path):
    adapter = read_adapter(finished[0] / ADAPTER)
    assert save_pipeline(finished[0] / ADAPTER, tmp_path / "model") == (
        adapter.config.kind in OF_SENTENCE_TRANSFORMERS
    )
    assert adapter.config.metric == "cosine"
    card = (tmp_path / "model/README.md").read_text()
    assert f"This adapter is `{adapter.config.origin['model']}`" in card


@pytest.mark.workflow
def test_the_server_answers_with_the_codes_of_the_text(finished):
    folder, printed, _ = finished
    request = json.loads((folder / "mine/request.json").read_text())
    sent = np.array(request["inputs"], np.float32)
    answer = json.loads(printed[9])["predictions"]
    assert np.shape(answer) == (1, 64)
    np.testing.assert_allclose(answer, encode(read_adapter(folder / ADAPTER), sent), atol=1e-5)
    assert "row 0 (counted from 0) holds a value that is not finite" in printed[0]
    assert printed[0].split()[-1] == "400"


@pytest.mark.workflow
def test_the_last_command_ends_the_server_and_nothing_is_left(finished, port):
    folder, _, survivors = finished
    assert survivors == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)), timeout=5).close()
    made = {path.name for path in folder.iterdir()} - {name.split("/")[0] for name in tracked()}
    assert made == {"mine"}


@pytest.mark.workflow
def test_nothing_is_left_to_do_and_a_deleted_adapter_is_made_again(finished):
    study = finished[0] / "mine"
    target = f"{ADAPTER.removeprefix('mine/')}.json"
    arguments = (target, "-s", "../Snakefile", "--configfile", "common-licenses.yaml", "--dry-run")
    assert "Nothing to be done" in succeed(study, *arguments)
    output = succeed(study, *arguments, "--forcerun", "export_adapter")
    assert "register_adapter" in output and "train_model" not in output
