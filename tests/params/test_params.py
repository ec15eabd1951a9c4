import copy
import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers import composed
from menagerie.errors import ParamsError
from menagerie.params import Params, load_params
from menagerie.params.section import parse

REAL = composed()
MAIN = "models.cnn.phases.main"
FREE = ("knobs", "settings")  # what these hold is known to the architecture and to Keras, not to Params


def section(values, path):
    """The mapping or list at `path`: "dataset.split", "models.cnn_augmented.augment.0"; "" is the whole."""
    for key in path.split(".") if path else ():
        values = values[int(key) if isinstance(values, list) else key]
    return values


def put(values, path, value):
    parent, _, key = path.rpartition(".")
    section(values, parent)[key] = value
    return values


def leaves(values, at=()):
    for key, value in values.items():
        if isinstance(value, dict) and value and key not in FREE:
            yield from leaves(value, (*at, key))
        else:
            yield ".".join((*at, key))


def refusal(values):
    """What a user reads when params.yaml holds `values`."""
    with pytest.raises(ParamsError) as error:
        parse(Params, values, "params.yaml")
    assert str(error.value).startswith("params.yaml")
    return str(error.value)


@pytest.fixture
def real():
    return copy.deepcopy(REAL)


@pytest.fixture
def archive(compose):
    """The real parameters of a data set that comes as an archive, split as Keras splits."""
    return compose("study=sign_digits", "model=sign_cnn")


# what is right


def test_every_value_arrives_as_it_stands(params, compose):
    values = compose("study=sign_digits", "model=sign_cnn")
    typed = params("study=sign_digits", "model=sign_cnn")
    assert typed.model_dump(mode="json") == values
    assert typed.dataset.image_size == (100, 100)


def test_a_file_gives_what_its_values_give(tmp_path, real, params):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(real), encoding="utf-8")
    assert load_params(path) == params()


def test_a_whole_number_will_do_where_a_number_is_wanted(real):
    typed = parse(Params, put(real, f"{MAIN}.learning_rate", 1), "params.yaml")
    assert typed.models["cnn"].phases["main"].learning_rate == 1.0


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("", "seed"),
        ("compute", "max_epochs"),
        ("dataset", "name"),
        ("dataset.source", "kind"),
        ("dataset.split", "seed"),
        ("models.cnn", "batch_size"),
        (MAIN, "epochs"),
        (f"{MAIN}.early_stopping", "patience"),
    ],
)
def test_params_are_frozen(params, path, key):
    held = params()
    for name in path.split(".") if path else ():
        held = held[name] if isinstance(held, dict) else getattr(held, name)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(held, key, getattr(held, key))


def test_a_model_is_had_by_its_name(params):
    typed = params()
    assert typed.model("cnn") is typed.models["cnn"]


def test_an_unknown_model_is_refused_with_the_nearest_name_and_the_way_to_choose(params):
    with pytest.raises(ParamsError) as error:
        params().model("can")
    assert str(error.value).startswith("unknown model 'can'; did you mean 'cnn'? known: ann, cnn, cnn_aug")
    assert "-S model=" in str(error.value)


# unknown keys


@pytest.mark.parametrize(
    ("path", "wrong", "right"),
    [
        ("", "sed", "seed"),
        ("compute", "max_epoch", "max_epochs"),
        ("dataset", "image_siz", "image_size"),
        ("dataset.layout", "folder", "folders"),
        ("models.cnn", "batchsize", "batch_size"),
        ("models.cnn_augmented.augment.0", "setting", "settings"),
        (MAIN, "learningrate", "learning_rate"),
        (f"{MAIN}.early_stopping", "patiense", "patience"),
        (f"{MAIN}.reduce_on_plateau", "min_learn_rate", "min_learning_rate"),
    ],
)
def test_an_unknown_key_is_refused_with_its_place_and_the_nearest_name(real, path, wrong, right):
    section(real, path)[wrong] = 1
    message = refusal(real)
    assert f"unknown key '{wrong}'; did you mean '{right}'?" in message
    assert path in message


@pytest.mark.parametrize(
    ("path", "wrong", "right"),
    [
        ("dataset.source", "uri", "url"),
        ("dataset.split", "validation_splt", "validation_split"),
        ("reported", "titel", "title"),
        ("reported.models.sign_cnn", "epoch", "epochs"),
    ],
)
def test_an_unknown_key_is_refused_where_the_kind_decides_what_is_known(archive, path, wrong, right):
    section(archive, path)[wrong] = 1
    message = refusal(archive)
    assert f"  {path}: " in message
    assert f"unknown key '{wrong}'; did you mean '{right}'?" in message


@pytest.mark.parametrize("key", [1, False], ids=repr)
@pytest.mark.parametrize("path", ["", MAIN])
def test_a_key_that_is_no_text_is_refused(real, path, key):
    """YAML reads the key `no:` as False and `1:` as a number."""
    section(real, path)[key] = 1
    assert f"unknown key '{key}'" in refusal(real)


# wrong values


@pytest.mark.parametrize(
    ("path", "value"),
    [
        # a type that is not the one wanted
        ("seed", "42"),
        ("seed", 1.5),
        ("seed", True),
        ("seed", None),
        ("compute.max_epochs", "10"),
        ("compute.max_epochs", True),
        ("dataset.title", 7),
        ("dataset.citation", None),
        ("dataset.image_size", "32"),
        ("dataset.layout", None),
        ("dataset.max_unreadable", "0.1"),
        ("dataset.max_pixels", 2e8),
        ("dataset.truncated", True),
        ("dataset.jpeg", "turbo"),
        ("models.cnn.batch_size", 64.5),
        ("models.cnn.augment", None),
        ("models.cnn.knobs", []),
        ("models.cnn.phases", []),
        (f"{MAIN}.learning_rate", "1e-4"),
        (f"{MAIN}.learning_rate", True),
        (f"{MAIN}.early_stopping", 10),
        (f"{MAIN}.early_stopping.restore_best", "yes"),
        (f"{MAIN}.early_stopping.restore_best", 1),
        # out of range
        ("seed", -1),
        ("seed", 2**32),
        ("compute.max_epochs", 0),
        ("dataset.name", "My Digits"),
        ("dataset.max_unreadable", 1.0),
        ("dataset.max_pixels", 0),
        ("dataset.max_unreadable", -0.1),
        ("dataset.max_unreadable", math.nan),
        ("models.cnn.batch_size", 0),
        ("models.cnn.phases", {}),
        (f"{MAIN}.epochs", 0),
        (f"{MAIN}.learning_rate", 0.0),
        (f"{MAIN}.learning_rate", math.inf),
        (f"{MAIN}.learning_rate", math.nan),
        (f"{MAIN}.optimizer", "adamw2"),
        (f"{MAIN}.early_stopping.monitor", "test_loss"),
        (f"{MAIN}.early_stopping.patience", 0),
        (f"{MAIN}.reduce_on_plateau.factor", 1.0),
        (f"{MAIN}.reduce_on_plateau.min_learning_rate", -1e-9),
        # nothing to do
        ("models", {}),
        ("models", None),
        ("dataset", "digits"),
    ],
    ids=repr,
)
def test_a_value_of_a_wrong_type_or_out_of_range_is_refused_by_its_full_path(real, path, value):
    message = refusal(put(real, path, value))
    assert f"  {path}: " in message
    if isinstance(value, str | int | float):
        assert f"not {value!r}" in message


@pytest.mark.parametrize("value", [["32", 32], [True, 32], [0, 32], [32.5, 32]], ids=repr)
def test_a_picture_size_is_two_whole_numbers_of_pixels(real, value):
    assert "  dataset.image_size.0: " in refusal(put(real, "dataset.image_size", value))


@pytest.mark.parametrize("value", [[], [32], [32, 32, 3]], ids=repr)
def test_a_picture_has_a_height_and_a_width(real, value):
    assert "  dataset.image_size" in refusal(put(real, "dataset.image_size", value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("dataset.source.content_sha256", "abc"),
        ("dataset.source.url", 7),
        ("dataset.split.validation_split", 0.0),
        ("dataset.split.validation_split", 1.0),
        ("dataset.split.seed", "1337"),
        ("reported.dataset", "Sign Digits"),
        ("reported.models.sign_cnn.val.accuracy", "90.53"),
        ("reported.models.sign_cnn.val.accuracy", 0.9053),
        ("reported.models.sign_cnn.val.n", 0),
    ],
    ids=repr,
)
def test_a_path_in_a_message_can_be_given_to_dvc_as_it_stands(archive, path, value):
    """`-S dataset.source.archive.url=...` sets nothing: the kind is no part of a key's path."""
    assert f"  {path}: " in refusal(put(archive, path, value))


def test_the_shares_of_a_split_lie_between_0_and_1(real):
    message = refusal(put(put(real, "dataset.split.val", 0), "dataset.split.test", 1.5))
    assert "  dataset.split.val: " in message
    assert "  dataset.split.test: " in message


def test_every_wrong_value_is_told_at_once(real):
    message = refusal(put(put(put(real, "seed", -1), f"{MAIN}.epochs", 0), "dataset.name", ""))
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:]] == [
        "seed",
        "dataset.name",
        f"{MAIN}.epochs",
    ]


def test_an_unknown_kind_of_source_is_refused_with_those_there_are(real):
    message = refusal(put(real, "dataset.source.kind", "ftp"))
    assert "dataset.source" in message
    for expected in ("kind", "'ftp'", "embedded", "archive"):
        assert expected in message


def test_an_unknown_split_policy_is_refused_with_those_there_are(real):
    message = refusal(put(real, "dataset.split.policy", "by_signer"))
    assert "dataset.split" in message
    for expected in ("policy", "'by_signer'", "keras", "stratified"):
        assert expected in message


def test_a_schedule_and_a_plateau_may_not_both_set_the_rate(real):
    section(real, MAIN)["schedule"] = {"kind": "cosine", "warmup_epochs": 1}
    with pytest.raises(ParamsError, match=r"phases\.main: has a schedule and reduce_on_plateau; set one"):
        parse(Params, real, "params.yaml")


def claim(**changes):
    pairs = [{"better": "sign_cnn", "than": "sign_cnn_decay_low"}]
    return {
        "quote": "",
        "told": "It is.",
        "section": "",
        "split": "val",
        "pairs": pairs,
        "earlier": {},
    } | changes


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"pairs": [{"better": "sign_cnnn", "than": "sign_cnn"}]},
            "unknown model 'sign_cnnn'; did you mean 'sign_cnn'?",
        ),
        ({"split": "test"}, "has no numbers of test, which a claim is made of"),
        ({"quote": "It is."}, "is either quoted or told"),
        ({"told": ""}, "is either quoted or told"),
        ({"pairs": []}, "at least 1 item"),
        (
            {"earlier": {"sign_cnn": {"epoch": 8, "accuracy": "0.8374", "loss": None, "n": 412}}},
            "sign_cnn has an earlier epoch, and no pair of its claim is `than` it",
        ),
    ],
    ids=["unknown model", "no such split", "both", "neither", "no pair", "an epoch of no pair"],
)
def test_a_claim_that_reported_numbers_cannot_bear_is_refused(archive, changes, why):
    archive["reported"]["claims"].append(claim(**changes))
    assert why in refusal(archive)


def test_a_claim_of_two_reported_models_is_taken(archive):
    archive["reported"]["claims"].append(claim())
    assert parse(Params, archive, "params.yaml").reported.claims[-1].told == "It is."


def test_a_reported_model_without_numbers_is_refused(archive):
    archive["reported"]["claims"] = []
    archive["reported"]["models"]["sign_cnn"]["val"] = None
    assert "has numbers of neither val nor test" in refusal(archive)


@pytest.mark.parametrize("name", ["a.b", "A", "", "a b", "ä", "a/b", "a\n"])
def test_a_model_name_that_dvc_or_a_path_would_choke_on_is_refused(real, name):
    real["models"][name] = real["models"]["cnn"]
    message = refusal(real)
    assert "models" in message
    assert repr(name) in message


# missing keys


@given(st.sampled_from(sorted(leaves(REAL))))
@settings(deadline=None)
def test_a_missing_key_is_named(leaf):
    values = copy.deepcopy(REAL)
    parent, _, key = leaf.rpartition(".")
    del section(values, parent)[key]
    assert parent in refusal(values)
    assert key in refusal(values)


@pytest.mark.parametrize("leaf", ["seed", "dataset.licence", "models.ann.arch", f"{MAIN}.schedule"])
def test_a_missing_key_is_named_by_its_full_path(real, leaf):
    parent, _, key = leaf.rpartition(".")
    del section(real, parent)[key]
    assert f"  {leaf}: Field required" in refusal(real)


def test_a_missing_key_of_a_source_is_named_by_its_full_path(archive):
    del archive["dataset"]["source"]["content_sha256"]
    assert "  dataset.source.content_sha256: Field required" in refusal(archive)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3)
)


@given(st.sampled_from(sorted(leaves(REAL))), ANYTHING)
@settings(deadline=None)
def test_whatever_stands_at_a_key_is_taken_as_it_is_or_refused(leaf, value):
    """No number made of text, no value cut to fit, no error but ParamsError."""
    try:
        typed = parse(Params, put(copy.deepcopy(REAL), leaf, value), "params.yaml")
    except ParamsError:
        return
    taken = section(typed.model_dump(mode="json"), leaf)
    assert taken == value or leaf.endswith(FREE)


# files that are not what they should be


@pytest.mark.parametrize("model", ["cnn", "fast", "best", "xception_partial"])
def test_what_was_read_is_written_again_as_it_stood(params, compose, model):
    """Pydantic only warns of a model that it writes as one of the other kind."""
    written = params(f"model={model}").model_dump(mode="json")
    assert written["models"] == compose(f"model={model}")["models"]


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(ParamsError, match=r"no\.yaml is not in .*; run from the root of the repository"):
        load_params(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n# only a comment\n",
        b"- 1\n",
        b"text",
        b"{a: [",
        b"a: b: c",
        b"a: !!python/name:os.system",
        b"\0",
    ],
)
def test_a_file_that_is_no_yaml_mapping_is_refused_by_its_name(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(ParamsError) as error:
        load_params(path)
    assert str(path) in str(error.value)


def test_a_file_that_is_no_text_is_refused_by_its_name(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ParamsError) as error:
        load_params(path)
    assert str(path) in str(error.value)


def test_an_open_value_inside_a_list_is_refused_too(tmp_path, real):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(put(real, "dataset.image_size", ["???", 32])), encoding="utf-8")
    with pytest.raises(ParamsError, match=r"dataset\.image_size"):
        load_params(path)


def test_the_letters_of_every_language_are_read(tmp_path, real):
    path = tmp_path / "params.yaml"
    title = "手語 Ziffern"
    path.write_text(yaml.safe_dump(put(real, "dataset.title", title), allow_unicode=True), encoding="utf-8")
    assert load_params(path).dataset.title == title


@pytest.mark.parametrize("path", ["pictures", "~/pictures", ""])
def test_a_folder_of_pictures_is_given_by_its_absolute_path(compose, path):
    values = compose("dataset=folder", "dataset.source.path=/x")
    values["dataset"]["source"]["path"] = path
    with pytest.raises(ParamsError, match=r"dataset\.source\.path: should be an absolute path"):
        parse(Params, values, "params.yaml")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "models.cnn.augment=[{layer: RandomFlop, settings: {}}]",
            r"models\.cnn\.\S*augment\.0: .* 'RandomFlop'; did you mean 'RandomFlip'\?",
        ),
        (
            "models.cnn.augment=[{layer: MixUp, settings: {}}, {layer: RandomFlip, settings: {}}]",
            r"models\.cnn: has MixUp in augment before layers of single pictures; put it last",
        ),
        (
            "models.vgg16_transfer.head=[{layer: Dens, settings: {units: 8}}]",
            r"models\.vgg16_transfer\.\S*head\.0: has an unknown head layer 'Dens'; did you mean 'Dense'\?",
        ),
    ],
)
def test_a_layer_that_is_not_offered_is_told_before_keras_is_there(params, override, message):
    with pytest.raises(ParamsError, match=message):
        params("model=[cnn,vgg16_transfer]", override)
