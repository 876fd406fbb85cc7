import pytest

TUNE = ("tune", "--methods", "csq", "--trials", "1")
STUDY = ("study", "controls")


def test_from_scratch_is_the_weights_scratch(here) -> None:
    plan = ("plan", "--methods", "csq", "--bits", "16", "--backbone", "timm:test_resnet")
    scratch = here(*plan, "--from-scratch", check=0).stdout
    assert scratch == here(*plan, "--weights", "scratch", check=0).stdout
    assert scratch == here(*plan, "--weights", "scratch", "--from-scratch", check=0).stdout
    assert scratch != here(*plan, check=0).stdout  # other cells


@pytest.mark.parametrize("command", [("run",), ("plan",), TUNE, STUDY])
def test_it_contradicts_other_weights(here, command: tuple[str, ...]) -> None:
    said = here(*command, "--from-scratch", "--weights", "imagenet", check=2).stderr
    assert said == "error: --from-scratch and --weights imagenet contradict each other: leave one of them out.\n"


def test_without_weights_the_sentence_names_it(here) -> None:
    said = here("plan", "--backbone", "timm:test_vit4", check=2).stderr
    assert "has no pretrained weights: use --from-scratch" in said
