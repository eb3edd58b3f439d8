"""Names of students."""

from qdistill.verdict.students import name_students


def test_all_layers_of_a_stage_are_named_together():
    everyone = [("compiled", "zero_shot"), ("distilled_pool", "distilled")]
    starts = ["unitary_re", "unitary_im", "random_dense", "unitary_re_squared"]
    everyone += [(name, stage) for name in starts for stage in ("zero_shot", "fine_tuned")]
    zero = [run for run in everyone if run[1] == "zero_shot"]
    assert name_students(zero, everyone) == "`compiled` and all 4 zero-shot layers"
    linear = [(name, "fine_tuned") for name in starts[:3]]
    assert name_students(linear, everyone) == "all 3 fine-tuned layers with linear read-out"
    assert name_students(linear[:2], everyone) == (
        "`unitary_re` fine-tuned and `unitary_im` fine-tuned"
    )
