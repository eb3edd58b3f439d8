"""The command line: ``qdistill compare``, ``plan``, ``apply``, ``inspect``, and others.

Heavy libraries are imported by the commands that need them, so that ``--help`` is there at once.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from qdistill import __version__
from qdistill.errors import QdistillError

app = typer.Typer(
    name="qdistill",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

AdapterFolder = Annotated[
    Path,
    typer.Argument(
        metavar="ADAPTER", help="Folder of an adapter, such as results/STUDY/DATASET/adapter."
    ),
]


@contextmanager
def _plain_errors() -> Iterator[None]:
    """End on a user's error with its one sentence and status 1."""
    try:
        yield
    except QdistillError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"qdistill {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Compare methods on your data, apply the adapters of studies, and verify studies."""


Labels = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column of labels: classes are to be told.")
]
Column = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Column of vectors or texts, if that is not plain."),
]
Bytes = Annotated[int, typer.Option(help="Bytes of a code, one for each of its numbers.")]
Minutes = Annotated[float, typer.Option(min=0.1, help="What the study may take.")]
Cores = Annotated[int | None, typer.Option(min=1, help="All of this machine unless given.")]


@app.command("compare")
def compare_command(
    path: Annotated[
        Path,
        typer.Argument(metavar="FILE_OR_FOLDER", help="Texts or vectors, or a table of either."),
    ],
    labels: Labels = None,
    column: Column = None,
    bytes: Bytes = 64,
    minutes: Minutes = 5.0,
    out: Annotated[
        Path | None, typer.Option(help="Folder of all that is written; else beside the input.")
    ] = None,
    cores: Cores = None,
) -> None:
    """Tell what makes your vectors shorter, or tells their classes, best: a circuit or a rival.

    Writes a study that fits the minutes, says what it will take, runs it, prints a table and a
    sentence, and leaves an adapter, a report and the study's file to be changed. The same command
    goes on where it was stopped.
    """
    from qdistill.asking.answers import read_answer, told
    from qdistill.asking.planning import excess, left_out, plan_question
    from qdistill.asking.question import Question
    from qdistill.asking.running import run_study

    question = Question(
        path.absolute(), labels, column, bytes, minutes, None if out is None else out.absolute()
    )
    with _plain_errors():
        if not question.is_planned():
            plan, config = plan_question(question, cores)
            question.write_study(config)
            told_of = [plan.told(), left_out(plan), excess(question, plan)]
            typer.echo("\n".join(filter(None, told_of)))
        run_study(question.study_file, cores)
        typer.echo(told(read_answer(question.study_file)))


@app.command("plan")
def plan_command(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG|FILE_OR_FOLDER]",
            help="A study's .yaml file, or texts or vectors; else the default study.",
        ),
    ] = None,
    labels: Labels = None,
    column: Column = None,
    bytes: Bytes = 64,
    minutes: Minutes = 5.0,
    cores: Cores = None,
) -> None:
    """Tell what a study will take, without running it: models, n, minutes and memory.

    Of a configuration, what is left of it in this folder; of data, what `compare` would run.
    """
    from qdistill.asking.planning import excess, left_out, plan_file, plan_question
    from qdistill.asking.question import Question

    with _plain_errors():
        if path is None or path.suffix in (".yaml", ".yml"):
            typer.echo(plan_file(path, Path.cwd(), cores).told())
            return
        question = Question(path.absolute(), labels, column, bytes, minutes)
        plan, _ = plan_question(question, cores)
        told_of = [plan.told(), left_out(plan), excess(question, plan)]
        typer.echo("\n".join(filter(None, told_of)))


Input = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT",
        help="Vectors or texts: .parquet, .csv, .npy, .txt, or a folder of parts or of texts.",
    ),
]
Output = Annotated[
    Path,
    typer.Argument(
        metavar="OUTPUT", help="File to write: .parquet, .csv, or .npy, which has codes alone."
    ),
]
Vectors = Annotated[
    str | None, typer.Option(help="Column of vectors, lists of numbers.  [default: features]")
]
Numbers = Annotated[
    list[str] | None,
    typer.Option(
        help="Column of one number each, by its name or by a pattern: 'f*' is f1, f2 and so on, in "
        "the order of the numbers. May be repeated."
    ),
]
Texts = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Column of texts, encoded by the adapter's encoder first."),
]
Encoder = Annotated[
    str | None,
    typer.Option(help="Folder or name of that encoder, if it is not the study's."),
]
Precision = Annotated[
    str, typer.Option(help="What a code is stored as: float32, float16, int8, or binary.")
]
Dropped = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="Column to leave out. May be repeated.")
]


@app.command("apply")
def apply_command(
    adapter: AdapterFolder,
    input_path: Input,
    output_path: Output,
    column: Vectors = None,
    columns: Numbers = None,
    texts: Texts = None,
    encoder: Encoder = None,
    output_column: Annotated[str, typer.Option(help="Name of the new column.")] = "codes",
    precision: Precision = "float32",
    keep_vectors: Annotated[
        bool, typer.Option("--keep-vectors", help="Keep the vectors, which are left out otherwise.")
    ] = False,
    drop: Dropped = None,
    codes_only: Annotated[
        bool, typer.Option("--codes-only", help="Leave out every column but the codes.")
    ] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows in memory at a time.")] = 8192,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace OUTPUT if it exists.")
    ] = False,
) -> None:
    """Encode the vectors or texts of a file into codes.

    Every column but the vectors is kept. OUTPUT appears only when it is complete, and memory does
    not grow with the number of rows. After a kill, the same command starts over.
    """
    from qdistill.adapter.apply import apply_adapter
    from qdistill.adapter.apply_settings import ApplySettings

    with _plain_errors():
        settings = ApplySettings(
            column=column,
            columns=tuple(columns or ()),
            texts=texts,
            encoder=encoder,
            output_column=output_column,
            precision=precision,
            keep_vectors=keep_vectors,
            drop=tuple(drop or ()),
            codes_only=codes_only,
            batch_size=batch_size,
            overwrite=overwrite,
        )
        rows = apply_adapter(adapter, input_path, output_path, settings)
    typer.echo(f"{rows:,} rows written to {output_path}")


@app.command("inspect")
def inspect_command(adapter: AdapterFolder) -> None:
    """Print what an adapter is, where it comes from and what its card says first."""
    from qdistill.adapter.summary import summarise

    with _plain_errors():
        typer.echo(summarise(adapter))


@app.command("pipeline")
def pipeline_command(
    adapter: AdapterFolder,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    encoder: Annotated[
        str | None,
        typer.Option(help="Folder or name of the encoder, if it is not the study's."),
    ] = None,
) -> None:
    """Save an encoder of texts and the adapter behind it as one sentence-transformers model.

    Of a linear adapter the model needs nothing but that library. Its card is the adapter's.
    """
    from qdistill.adapter.pipeline import save_pipeline

    with _plain_errors():
        alone = save_pipeline(adapter, out, encoder)
    needs = "sentence-transformers alone loads it" if alone else "loading it needs qdistill"
    typer.echo(f"written to {out}; {needs}")


BaseFolder = Annotated[
    Path | None,
    typer.Option(help="Folder of the base model, if it is not where the adapter was trained."),
]


@app.command("fill")
def fill_command(
    adapter: AdapterFolder,
    text: Annotated[str, typer.Argument(help="A text in which [MASK] stands for a token.")],
    base: BaseFolder = None,
) -> None:
    """Fill the masks of a text with the most probable tokens of an adapted language model."""
    from qdistill.language.saved import fill_masks, loaded

    with _plain_errors(), loaded(adapter, base) as (model, tokenizer):
        typer.echo(fill_masks(model, tokenizer, text))


@app.command("sample")
def sample_command(
    adapter: AdapterFolder,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of the text.")] = 24,
    per_step: Annotated[int, typer.Option(min=1, help="Tokens unmasked at a step.")] = 1,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 is the most probable.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    base: BaseFolder = None,
) -> None:
    """Draw a text from an adapted language model, token by token in random order."""
    from qdistill.language.saved import loaded, sample_text

    with _plain_errors(), loaded(adapter, base) as (model, tokenizer):
        typer.echo(sample_text(model, tokenizer, tokens, per_step, temperature, seed))


@app.command("verify")
def verify_command(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", help="Folder of a study, such as results/STUDY.")
    ],
) -> None:
    """Compare the files of a study with the digests that its provenance lists.

    Prints a line for each that is missing, changed or not listed, and ends with status 1 if there
    is one.
    """
    from qdistill.provenance.verification import verify_study

    with _plain_errors():
        found = verify_study(study)
    for line in found.differences:
        typer.echo(line)
    if found.differences:
        raise typer.Exit(1)
    typer.echo(f"{study}: {found.summary}")


def main() -> None:
    """Run the command line."""
    # What the library notes of data stands in the logs of jobs.
    logging.getLogger("qdistill").addHandler(logging.NullHandler())
    app(prog_name="qdistill")


if __name__ == "__main__":
    main()
