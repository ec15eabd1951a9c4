"""Which siblings are as a notebook meant them, and what the comments of conf/model say that this changes."""

from helpers import ROOT
from menagerie.notebooks.meant import Meant, meant_forms

TEXT = """# @package models.net_fixed
# As net (seed 001), with what was meant: ReLU after each convolution, the
# best epoch restored. Also larger pictures. 1,234 parameters, 1,200 trainable.
# dvc exp run -S study=animals5 -S model=net_fixed
# another comment
defaults: [net@_here_, _self_]
"""


def test_a_comment_tells_the_published_model_and_the_change_without_the_size():
    (found,) = meant_forms({"net_fixed": TEXT})
    change = (
        "With what was meant: ReLU after each convolution, the best epoch restored. Also larger pictures."
    )
    assert found == Meant("net_fixed", "net", change)


def test_a_model_that_is_a_sibling_of_none_has_no_such_form():
    other = (
        "# @package models.net\n# Seed 001: a network. As others, with a head.\n# dvc exp run -S model=net\n"
    )
    assert meant_forms({"net": other}) == []


def test_siblings_of_conf_name_models_that_are_there_and_no_size():
    files = {path.stem: path.read_text("utf-8") for path in ROOT.glob("conf/model/*.yaml")}
    found = meant_forms(files)
    assert {"resnet_fixed", "xception_last10", "cnn_deep_fixed", "vgg19_block3"} <= {
        one.name for one in found
    }
    assert all(one.published in files and "parameters" not in one.change for one in found)
    assert len(found) == sum(
        "\n# As " in text.partition("defaults")[0] and "(seed 0" in text for text in files.values()
    )
