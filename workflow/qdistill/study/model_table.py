"""The table of all models, references and students: one entry for each.

A model stands at its rung of the ladder of simplicity, on which an advantage is attributed: the
simplest come first. To add a bottleneck, write its class in one file under ``models/bottlenecks/``
and add one line here, at its rung.

Colours are those of Okabe and Ito (2008) and of Tol's muted scheme, which stay apart for
colour-blind readers, and others chosen to be far from those in CIELAB; where two come near
each other for colour-blind readers, marker and line differ. Families share a look besides:
circuits are blue, classical layers red to yellow, controls green and never solid, references
grey to black and without markers, students mostly purple. A student with squared read-out has
the colour of its sibling with linear read-out. Small markers of circuits lie on top of larger
ones of controls: where the two coincide, both are seen.
"""

from functools import partial

from qdistill.study.model_entry import Line, ModelEntry, Style

_DASHED: Line = (0, (4, 1.5))
_SHORT_DASHED: Line = (0, (2, 1.2))
_DOTTED: Line = (0, (1, 1.3))
_DASH_DOTTED: Line = (0, (5, 1.5, 1, 1.5))

_reference = partial(ModelEntry, family="reference")
_regression = partial(_reference, in_labels=False)
_classifier = partial(_reference, in_vectors=False, role="required_rival")
_student = partial(ModelEntry, family="student", teacher="quantum")
_fine_tuned = partial(_student, method="fine_tune")
_distilled = partial(_student, method="distil")
_kernel = partial(ModelEntry, family="quantum", is_fitted=True, in_vectors=False, is_variant=True)
_in_language = partial(ModelEntry, in_vectors=False, in_labels=False, in_language=True)
_adapter = partial(_in_language, adapter="language")
_soft = partial(
    _in_language,
    family="student",
    teacher="quantum",
    method="distil",
    objective="tokens",
    is_variant=True,
)
_of_angles = partial(ModelEntry, is_circuit=True, has_blocks=True, is_variant=True)
_of_labels = partial(_distilled, in_vectors=False, objective="labels")

# Of every student that starts from the circuit's unitary: does it work, and does that start do
# more than a random one?
_START = ("mean", "classical", "quantum", "random_dense", "random_orthogonal")
# Besides, with the same read-out: does another part of the unitary do more than Re U?
_SQUARED = (*_START, "unitary_re", "unitary_re_squared")

# fmt: off
MODEL_TABLE: tuple[ModelEntry, ...] = (
    _reference("mean",
        "predicts the mean of the n training targets for every row, or how frequent classes are",
        style=Style("#6F6F6F", "", _DASHED), role="required_rival", in_links=True),
    _regression("pca", "principal components of the n rows, as many as the bottleneck is wide",
        style=Style("#000000", "", "-"), adapter="linear"),
    _regression("pca_cv",
        "the same, their number chosen by cross-validation inside the n rows",
        style=Style("#3D3D3D", "", _DOTTED), adapter="linear", role="required_rival",
        is_variant=True, in_links=True),
    _regression("oracle",
        "principal components of the true covariance, known for generated data alone",
        style=Style("#8A8A8A", "", _DASH_DOTTED), is_oracle=True),
    _classifier("nearest_centroid",
        "the class whose mean is nearest, means shrunk as cross-validation inside the n rows says",
        style=Style("#8A8A8A", "", _DASH_DOTTED)),
    _classifier("nearest_neighbours",
        "the classes of the nearest rows, their number by cross-validation inside the n rows",
        style=Style("#B8A9C9", "", _SHORT_DASHED)),
    _classifier("logistic",
        "logistic regression, its penalty by cross-validation inside the n rows",
        style=Style("#000000", "", "-"), in_links=True),
    _adapter("frozen_base", "the frozen language model as it is, without an adapter", "reference",
        style=Style("#6F6F6F", "", _DASHED), adapts="nothing", adapter="", role="required_rival",
        in_links=True),
    _adapter("output_bias", "the bias of every token trained, and nothing else", "classical",
        style=Style("#63180B", ">", "-", 6.0), adapts="output_bias", is_variant=True),
    _adapter("constant", "a code that depends on nothing, so that a trained vector is added",
        "control", "constant:Constant", Style("#00614A", "h", _DOTTED, 6.5), unit_scale=1,
        role="required_rival", removes="the text"),
    _adapter("ia3", "IA3: every output of a linear layer scaled", "classical",
        style=Style("#D795C3", "<", "-"), adapts="peft:ia3", is_variant=True),
    ModelEntry("linear", "the code unchanged: a linear autoencoder", "classical", "linear:Linear",
        Style("#E69F00", "^", "-", 6.0),
        in_language=True, adapter="linear", role="required_rival", in_links=True),
    ModelEntry("linear_tuned",
        "the best of linear, low-rank, weight-decayed and early-stopped predictors, by "
        "cross-validation inside the n rows", "classical",
        style=Style("#63180B", ">", "-", 6.0), adapter="linear", role="required_rival",
        in_labels=False, in_links=True),
    _regression("kernel_square",
        "kernel ridge regression on products of two features, its settings by cross-validation "
        "inside the n rows", style=Style("#2F4B3A", "", _DOTTED), is_variant=True),
    _regression("kernel_rbf", "the same with a Gaussian kernel",
        style=Style("#A08C5B", "", _DASH_DOTTED), is_variant=True),
    _reference("fourier",
        "ridge or logistic regression on the frequencies of a circuit that encodes angles, of the "
        "principal components, its penalty by cross-validation inside the n rows",
        style=Style("#9FBF8F", "", _SHORT_DASHED), has_wires=True, is_variant=True),
    _classifier("svm_linear",
        "a linear support vector machine, its penalty by cross-validation inside the n rows",
        style=Style("#3D3D3D", "", _DOTTED), is_variant=True),
    _classifier("svm_rbf",
        "the same with a Gaussian kernel, whose width is chosen too",
        style=Style("#A08C5B", "", _DASH_DOTTED), in_links=True),
    _classifier("mlp",
        "a network with a hidden layer of 32, its weight decay by cross-validation inside the n "
        "rows", style=Style("#2F4B3A", "", "-"), is_variant=True),
    ModelEntry("square", "the normalised code, squared: the circuit model without its circuit",
        "control", "square:Square", Style("#009E73", "s", _SHORT_DASHED, 9.0), unit_scale=1,
        in_language=True, adapter="squared", role="required_rival", removes="the circuit",
        in_links=True),
    ModelEntry("square_scaled", "the same, its codes multiplied by N, to a LayerNorm's scale",
        "control", "square:Square", Style("#00614A", "h", _DOTTED, 6.5), own_scale=1, unit_scale=1,
        adapter="squared", asks=("square",), is_variant=True),
    ModelEntry("frozen_circuit", "the circuit model with random angles that are never trained",
        "control", "frozen_circuit:FrozenCircuit", Style("#7A9A01", "p", _DOTTED, 7.5),
        is_circuit=True, unit_scale=1,
        in_language=True, adapter="circuit", removes="the training of the circuit",
        is_variant=True),
    _of_angles("angle_frozen",
        "a circuit that encodes angles, with random ones of its own that are never trained",
        "control", "angle_frozen:AngleFrozen", Style("#00A61C", "4", _DOTTED, 8.0),
        removes="the training of the circuit", twin_of="quantum_angle"),
    ModelEntry("separable", "the circuit model without entangling gates",
        "control", "separable:Separable", Style("#52C77D", "<", _DASH_DOTTED, 7.0),
        is_circuit=True, unit_scale=1,
        in_language=True, adapter="circuit", removes="the entanglement of the circuit",
        asks=("square",), is_variant=True),  # is entanglement needed to do more than squaring?
    _of_angles("angle_separable", "a circuit that encodes angles, without entangling gates",
        "control", "angle_separable:AngleSeparable", Style("#2BD62B", "+", _DASH_DOTTED, 8.0),
        removes="the entanglement", twin_of="quantum_angle"),
    ModelEntry("orthogonal",
        "the normalised code, turned by a full orthogonal matrix and squared",
        "classical", "orthogonal:Orthogonal", Style("#F2AD69", "d", _DASHED, 6.5),
        unit_scale=1, in_language=True, adapter="squared", is_variant=True),
    _adapter("gelu", "GELU of the code: Houlsby's adapter", "classical", "gelu:Gelu",
        Style("#FF8A5C", "H", _SHORT_DASHED, 6.5), is_variant=True),
    _adapter("lora_4", "LoRA of rank 4 on every linear layer", "classical",
        style=Style("#BA33EE", "^", "-"), adapts="peft:lora:4", is_variant=True),
    _adapter("lora_8", "LoRA of rank 8 on every linear layer", "classical",
        style=Style("#AA4499", "s", "-"), adapts="peft:lora:8", role="required_rival",
        in_links=True),
    _adapter("dora", "DoRA of rank 8: LoRA of directions, with sizes of their own", "classical",
        style=Style("#6126BB", "X", "-"), adapts="peft:dora:8", is_variant=True),
    _adapter("oft", "OFT: every linear layer rotated in blocks of 32", "classical",
        style=Style("#999933", "D", _DASHED), adapts="peft:oft", is_variant=True),
    _adapter("boft", "BOFT: the same in blocks of 8", "classical",
        style=Style("#BA59DD", "d", _DASHED), adapts="peft:boft", is_variant=True),
    ModelEntry("classical", "LayerNorm of the code: the article's baseline",
        "classical", "classical:Classical", Style("#D55E00", "D", "-", 5.5),
        in_language=True, adapter="layer_norm",
        role="baseline", asks=("mean",), in_links=True),  # is the baseline any good?
    ModelEntry("classical_scaled",
        "the baseline, its codes divided by N, to the scale of probabilities", "classical",
        "classical:Classical", Style("#FF8A5C", "H", _SHORT_DASHED, 6.5), own_scale=-1,
        adapter="layer_norm", asks=("classical",), in_links=True),
    ModelEntry("classical_dense", "a full matrix, then LayerNorm",
        "classical", "classical_dense:ClassicalDense", Style("#882255", "P", _DASH_DOTTED, 6.5),
        in_language=True, adapter="layer_norm", role="baseline", is_variant=True),
    _adapter("full", "every weight of the language model trained", "classical",
        style=Style("#000000", "*", "-", 8.0), adapts="full", in_links=True),
    _classifier("tabpfn",
        "TabPFN: a network trained on made-up tables, with the n rows as its context",
        extra="tabpfn", is_variant=True),
    _classifier("setfit",
        "SetFit: the sentence encoder tuned on pairs of the n texts, logistic regression behind it",
        extra="setfit", reads_texts=True, is_variant=True),
    ModelEntry("real_circuit", "the circuit model without phases, so that its unitary is real",
        "quantum", "real_circuit:RealCircuit", Style("#0426ED", "X", _SHORT_DASHED, 5.5),
        is_circuit=True, unit_scale=1, adapter="squared",
        asks=("square",), is_variant=True),  # is phase needed to do more than squaring?
    ModelEntry("quantum",
        "the article's circuit model: probabilities of a trained circuit on the normalised code",
        "quantum", "quantum:Quantum", Style("#0072B2", "o", "-", 4.5), is_circuit=True,
        unit_scale=1, in_language=True, adapter="circuit", role="challenger",
        asks=("real_circuit", "quantum_scrambled"), in_links=True),
    _kernel("kernel_amplitude",
        "a support vector machine on how alike rows are as amplitudes of a state",
        style=Style("#7FC4FF", "8", _DASH_DOTTED)),
    _kernel("kernel_angle",
        "the same on how alike states are that a random circuit makes of rows as angles",
        style=Style("#56B4E9", "P", _DOTTED)),
    ModelEntry("quantum_scaled",
        "the circuit model, its codes multiplied by N, to a LayerNorm's scale", "quantum",
        "quantum:Quantum", Style("#7FC4FF", "8", _DOTTED, 6.5), is_circuit=True, own_scale=1,
        unit_scale=1, adapter="circuit", asks=("quantum", "classical"), is_variant=True),
    ModelEntry("quantum_scrambled",
        "the same behind a fixed random circuit that deepens during training (the article's "
        "curriculum)", "quantum", "quantum_scrambled:QuantumScrambled",
        Style("#56B4E9", "v", _DASHED, 6.0), is_circuit=True, unit_scale=1,
        adapter="circuit", is_variant=True),
    _of_angles("quantum_angle",
        "expectation values of a trained circuit that encodes the code as angles, again in every "
        "block", "quantum", "quantum_angle:QuantumAngle", Style("#3071F2", "x", "-", 6.0),
        asks=("quantum", "angle_separable", "angle_frozen", "fourier")),
    ModelEntry("quantum_tuned",
        "the circuit model, its layers, weight decay, learning rate and length of training chosen "
        "by cross-validation inside the n rows", "quantum",
        style=Style("#061D51", "*", _DASH_DOTTED, 8.0), is_circuit=True, adapter="circuit",
        role="challenger", asks=("quantum", "linear_tuned"), in_labels=False, in_links=True),

    _student("compiled",
        "the trained circuit as two real matrices: the same outputs, without a circuit",
        style=Style("#332288", "o", "-"), method="compile", in_language=True),
    # Is it Re U, its phase or its magnitudes; is it the matrix or the read-out?
    _fine_tuned("unitary_re", "a linear layer that is, or starts as, Re(U) of the trained circuit",
        style=Style("#AA4499", "s", "-"), start="re", asks=(*_START, "unitary_re_squared")),
    _fine_tuned("unitary_im", "the same with Im(U)", style=Style("#D795C3", "<", "-"), start="im",
        asks=(*_START, "unitary_re", "unitary_im_squared"), is_variant=True),
    _fine_tuned("unitary_abs", "the same with |U|", style=Style("#6126BB", "X", "-"), start="abs",
        asks=(*_START, "unitary_re", "unitary_abs_squared"), is_variant=True),
    _fine_tuned("unitary_abs2", "the same with |U|²", style=Style("#BA33EE", "^", "-"),
        start="abs2", asks=(*_START, "unitary_re", "unitary_abs2_squared"), is_variant=True),
    _fine_tuned("unitary_re_squared", "the layer of Re(U), its outputs squared",
        style=Style("#AA4499", "p", _DASH_DOTTED), start="re", readout="squared",
        asks=_START, is_variant=True),
    _fine_tuned("unitary_im_squared", "the layer of Im(U), its outputs squared",
        style=Style("#D795C3", ">", _DASH_DOTTED), start="im", readout="squared",
        asks=_SQUARED, is_variant=True),
    _fine_tuned("unitary_abs_squared", "the layer of |U|, its outputs squared",
        style=Style("#6126BB", "*", _DASH_DOTTED, 8.0), start="abs", readout="squared",
        asks=_SQUARED, is_variant=True),
    _fine_tuned("unitary_abs2_squared", "the layer of |U|², its outputs squared",
        style=Style("#BA33EE", "v", _DASH_DOTTED), start="abs2", readout="squared",
        asks=_SQUARED, is_variant=True),
    _fine_tuned("random_dense", "the same linear layer from a random start",
        style=Style("#999933", "D", _DASHED), start="dense", is_variant=True),
    _fine_tuned("random_orthogonal", "the same linear layer from a random orthogonal start",
        style=Style("#BA59DD", "d", _DASHED), start="orthogonal", is_variant=True),
    _distilled("distilled_train",
        "a linear layer fitted to the circuit's outputs on the n training rows",
        style=Style("#CC6677", "^", _SHORT_DASHED), in_language=True, is_variant=True),
    _distilled("distilled_pool",
        "a linear layer fitted to them on the training rows and the unlabelled pool",
        style=Style("#117733", "v", _SHORT_DASHED), pool=True, pool_text="niche", in_language=True,
        in_links=True),
    _distilled("distilled_general", "the same with general text as the pool",
        style=Style("#88CCEE", "P", _DOTTED), in_vectors=False, in_labels=False, in_language=True,
        pool=True, pool_text="general", is_variant=True),
    _soft("soft_train",
        "a linear layer fitted to the circuit's distributions over tokens on the n texts",
        style=Style("#CC6677", "p", _DASH_DOTTED)),
    _soft("soft_pool", "the same on the texts and unlabelled text of the niche",
        style=Style("#117733", "s", _DASH_DOTTED), pool=True, pool_text="niche"),
    _soft("soft_general", "the same on the texts and general text",
        style=Style("#88CCEE", "X", _DASH_DOTTED), pool=True, pool_text="general"),
    _distilled("mean_code", "the mean of the circuit's codes in place of every code",
        style=Style("#682E6E", "D", _DOTTED), in_vectors=False, in_labels=False, in_language=True,
        objective="codes", readout="constant", is_variant=True),
    _distilled("distilled_softmax", "the same, with a softmax behind the layer",
        style=Style("#88CCEE", "P", _DOTTED), readout="softmax", pool=True,
        is_variant=True),
    _distilled("distilled_squared", "the same, with the layer's outputs squared",
        style=Style("#117733", "s", _DASH_DOTTED), readout="squared", pool=True,
        is_variant=True),
    _distilled("self_distilled",
        "a linear layer fitted to the outputs of the classical baseline's layer",
        style=Style("#682E6E", "D", _DOTTED), pool=True, teacher="classical",
        asks=("classical", "distilled_pool")),  # is it distillation alone?
    # Does the circuit teach more than another teacher, or than softer labels?
    _of_labels("soft_labels", "the baseline's layer, taught the circuit's probabilities of classes",
        style=Style("#D41064", "p", _DASH_DOTTED), is_variant=True,
        asks=("classical", "soft_labels_smoothed")),
    _of_labels("soft_labels_pool", "the same on the n rows and the unlabelled pool",
        style=Style("#B880B8", "s", _DASH_DOTTED), pool=True, asks=("classical",
            *("soft_labels_classical", "soft_labels_logistic", "soft_labels_smoothed"))),
    _of_labels("soft_labels_classical", "the same, taught by the classical baseline",
        style=Style("#9C80D4", "D", _DOTTED), pool=True, teacher="classical", is_variant=True),
    _of_labels("soft_labels_logistic", "the same, taught by logistic regression",
        style=Style("#D410B8", "X", _DASHED), pool=True, teacher="logistic", is_variant=True),
    _of_labels("soft_labels_smoothed", "the baseline's layer, on smoothed labels of the n rows",
        style=Style("#804848", "*", _SHORT_DASHED, 8.0), teacher="", is_variant=True),
)
