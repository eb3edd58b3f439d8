"""Which paragraphs of a docstring are prose, and what becomes of their mark-up."""

import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdistill.datasets.prose import normal_form, prose_paragraphs

PROSE = "The circuit is applied to the state, and the result is returned as an array."
OTHER = "It is an error to call this function with a state that has not been normalised."
MARKS = ["-", "*", "1.", "#."]


def paragraphs(docstring, minimum=40, maximum=400):
    return prose_paragraphs(inspect.cleandoc(docstring), minimum, maximum)


def test_numpydoc_keeps_the_text_and_the_notes():
    docstring = f"""
    {PROSE}

    Parameters
    ----------
    state : ndarray
        The state that is given to the circuit, which has to be of unit length.

    The parameters are listed above and this line is a part of their section.

    See Also
    --------
    other_function : The function that is used for the opposite of this one.

    Notes
    -----
    {OTHER}

    References
    ----------
    The book of the author is the one that is used in all of the references here.
    """
    assert paragraphs(docstring) == [PROSE, OTHER]


def test_google_style_keeps_the_text_and_not_the_arguments():
    docstring = f"""{PROSE}

    Args:
        wires (list): The wires on which the circuit is to act, in the order of the bits.

    Returns:
        array: The state that comes out of the circuit when it is applied to the input.

    .. note::

        {OTHER}
    """
    assert paragraphs(docstring) == [PROSE, OTHER]


@pytest.mark.parametrize(
    "block",
    [
        ">>> circuit(state)\narray([0, 1]) and this is the result of the call to the circuit.",
        *(f"{mark} The first of the items that are in the list of these." for mark in MARKS),
        ".. seealso:: The function that is used for the opposite of what is done by this one.",
        ".. [1] The book of the author in which the method is described, and all of its parts.",
        ":param state: The state that is given to the circuit and that has to be of unit length.",
        "| The first cell of a table in which there is a lot of text that is in the cells. |",
        "state : array\n    The state that is given to the circuit, that has to be of unit length.",
        "import numpy as np; for row in the matrix of the states: print(row) and so on is done",
        "The sum of x_1 * y_2 + z_3 - 4 * q_5 / (w_6 + 7) = 8 * k_9 ** 2 is to be a_10 or b_11.",
        "no capital at the start of this line of text that is otherwise as good as any of them.",
        "The line that has no full stop at its end is a heading or a fragment of another one",
        "Hadamard PauliX PauliY PauliZ Rotation Toffoli Identity Barrier Snapshot Measurement.",
        "The end is near.",
    ],
)
def test_what_is_not_prose_is_left_out(block):
    assert paragraphs(f"{PROSE}\n\n{block}\n\n{OTHER}") == [PROSE, OTHER]


def test_literal_block_is_left_out_and_its_introduction_kept():
    introduction = "The circuit is called with the state as its only argument:"
    assert paragraphs(f"{introduction}:\n\n    circuit(state)\n") == [introduction]


def test_headings_are_dropped_and_the_text_below_them_kept():
    assert paragraphs(f"The circuit\n===========\n{PROSE}") == [PROSE]
    assert paragraphs(f"===\nTop\n===\n\n{PROSE}") == [PROSE]


PLAIN = {":class:`~qdistill.circuits.circuit.Circuit`": "Circuit", ":func:`run`": "run"}
PLAIN |= {":class:`~.QNode`": "QNode", ":doc:`the guide </guide/start>`": "the guide"}
PLAIN |= {"`the paper <https://example.org/a_b>`__": "the paper", "``x``": "x", "`x`": "x"}
PLAIN |= {"[the paper](https://example.org)": "the paper", "**very**": "very", "*very*": "very"}
PLAIN |= {"this [1]_": "this [1]", r"every\ thing": "everything"}


@pytest.mark.parametrize(("marked", "plain"), PLAIN.items())
def test_markup_is_removed(marked, plain):
    text = "One can see that {} is the one that is used for all of the circuits."
    assert prose_paragraphs(text.format(marked), 40, 400) == [text.format(plain)]


def test_length_limits_are_inclusive():
    size = len(PROSE)
    assert prose_paragraphs(PROSE, size, size) == [PROSE]
    assert prose_paragraphs(PROSE, size + 1, 400) == []
    assert prose_paragraphs(PROSE, 1, size - 1) == []


PIECES = [PROSE, OTHER, "\n", "\n\n", " ", "    "]
PIECES += ["Notes\n-----\n", ">>> f()", "``x`` is", "::", "- a"]


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_mixture_gives_single_lines_of_the_text_within_the_limits(text):
    found = prose_paragraphs(text, 20, 200)
    for paragraph in found:
        assert 20 <= len(paragraph) <= 200
        assert paragraph == " ".join(paragraph.split())
        assert ">>>" not in paragraph
        assert PROSE in paragraph or OTHER in paragraph
    # A paragraph found is prose still.
    assert prose_paragraphs("\n\n".join(found), 20, 200) == found


def test_normal_form_ignores_white_space_and_case_only():
    assert normal_form("The  State\n of it") == normal_form("the state of IT")
    assert normal_form("The state.") != normal_form("The state")
