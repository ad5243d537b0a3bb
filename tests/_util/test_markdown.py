from ljmix._util.markdown import markdown_table


def test_a_table_has_a_line_for_each_row():
    assert markdown_table(["a", "b"], [[1, "x"], [2.5, "y"]]) == "| a | b |\n| --- | --- |\n| 1 | x |\n| 2.5 | y |"
