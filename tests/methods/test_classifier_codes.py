import torch
from torch.nn import functional as F

import bench

CLASSES, BITS = 6, 16


def test_codes_are_centers_of_the_predicted_classes() -> None:
    method = bench.method("classifier-codes", CLASSES, BITS)
    assert method.outputs == CLASSES
    logits = torch.eye(CLASSES)[[2, 0, 5]]
    assert torch.equal(method.codes(logits).float(), method.centers[[2, 0, 5]])
    assert method.codes(logits).dtype == torch.int8


def test_of_several_predicted_classes_the_centers_vote_and_the_likeliest_breaks_ties() -> None:
    method = bench.method("classifier-codes", CLASSES, BITS, multi_label=True)
    z = method.centers
    logits = torch.full((3, CLASSES), -1.0)
    logits[0, [1, 3]] = torch.tensor([2.0, 1.0])
    logits[1, [0, 2, 4]] = 1.0
    logits[2, 5] = -0.5  # nothing is likelier than not: the likeliest is taken
    codes = method.codes(logits).float()
    assert torch.equal(codes[0], torch.where(z[1] == z[3], z[1], z[1]))
    assert torch.equal(codes[1], (z[0] + z[2] + z[4]).sign())
    assert torch.equal(codes[2], z[5])


def test_losses() -> None:
    g = torch.Generator().manual_seed(0)
    logits, y = torch.randn(8, CLASSES, generator=g), torch.arange(8) % CLASSES
    single = bench.method("classifier-codes", CLASSES, BITS)
    assert torch.equal(single.loss(logits, y), F.cross_entropy(logits, y))
    double = bench.method("classifier-codes", CLASSES, BITS, loss="double-softmax")
    assert torch.equal(double.loss(logits, y), F.cross_entropy(logits.softmax(1), y))
    rows = F.one_hot(y, CLASSES).float()
    several = bench.method("classifier-codes", CLASSES, BITS, multi_label=True)
    assert torch.equal(several.loss(logits, rows), F.binary_cross_entropy_with_logits(logits, rows))


def test_it_lends_its_codes_to_other_centers() -> None:
    both = bench.method("random-centers+classifier-codes-loss", CLASSES, BITS)
    assert both.outputs == CLASSES
    assert torch.equal(both.codes(torch.eye(CLASSES)).float(), both.centers)
