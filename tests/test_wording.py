"""Words for numbers and lists."""

import numpy as np

from qdistill.wording import at_sizes, enumeration, estimate, number, p_value, without_header


def test_numbers_and_lists():
    assert enumeration([1]) == "1" and enumeration([1, 2, 3]) == "1, 2 and 3"
    assert at_sizes([50], [50]) == "at n = 50"
    assert at_sizes([50, 100], [50, 100]) == "at every n"
    assert number(0.00369) == "0.00369" and number(1234.5) == "1,230"
    assert [number(x) for x in (999.4, 999.6, -65_432.1)] == ["999", "1,000", "-65,400"]
    assert [number(x) for x in (123_456_789.0, -1e8, 999_600.0)] == ["1.23e+08", "-1e+08", "1e+06"]
    assert number(np.nan) == number(np.inf) == "not finite"
    assert p_value(1e-9) == "< 0.0001" and p_value(0.0123) == "0.0123"
    assert estimate(0.5, -np.inf, np.inf) == "0.5 [unbounded]"
    assert estimate(0.5, np.nan, np.nan) == "0.5 [no interval]"


def test_a_header_is_cut_off_where_there_is_one():
    rest = "# Title\n\nText.\n\n---\n\nMore.\n"
    assert without_header(f"---\ntags: [a]\n---\n\n{rest}") == rest
    assert without_header(rest) == rest
