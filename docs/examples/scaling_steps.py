"""The steps of the pipeline as scaling.py measures them: their models, and the sizes they are fitted and checked at."""

from __future__ import annotations

import scaling_measures as after
import scaling_work as work
import torch
from scaling import Sizes, Step


def steps() -> list[Step]:
    """In the order of a run."""
    torch.set_num_threads(1)
    classes = [Sizes(C=c) for c in (1_000, 2_000, 3_000)]
    few, some = [Sizes(N=n, T=10 * n) for n in (30_000, 60_000)], Sizes(N=120_000, T=1_200_000)
    return [
        Step("decode a photograph of 500 x 375", "data/images.py", "N", "50331648", work.decoding,
             [Sizes(N=32), Sizes(N=64)], Sizes(N=256), "N"),
        Step("features by ResNet-34 at 224", "training/features.py", "N", "2.5e8", work.features,
             [Sizes(N=2), Sizes(N=4)], Sizes(N=8), "N"),
        Step("features into memory", "training/inputs.py", "N D", "12 N D", work.inputs, few, some, "N"),
        Step("centers of CSQ", "centers/hadamard_rows.py", "C K + C C K", "2.5e7 + 7 C K", work.csq,
             [Sizes(C=c) for c in (2_000, 3_000)], Sizes(C=6_000), "C"),
        Step("centers of OrthoHash", "methods/orthohash.py", "C K", "16 C K", work.orthohash,
             [Sizes(C=c) for c in (100_000, 200_000)], Sizes(C=400_000), "C"),
        Step("centers of OrthoHash by MaxHD", "centers/max_hd.py", "C K + C C", "8192 C + 4 C K", work.max_hd,
             classes, Sizes(C=6_000), "C"),
        Step("centers of MDS", "centers/separated.py", "C + C C", "2.5e7 + 15 C K", work.mds,
             [Sizes(C=c) for c in (1_000, 2_000, 5_000)], Sizes(C=10_000), "C"),
        Step("an epoch of the classifier (SHC)", "training/similarity.py", "T + T C D", "4 T D + 20 C D + 10000 C",
             work.classifier, [Sizes(T=2_000, C=c) for c in (500, 2_000)], Sizes(T=5_000, C=4_000), "N"),
        Step("confusions for SHC, a batch of 4,096", "centers/class_confusion.py", "C + C C", "114688 C + 16 C C",
             work.confusions, [Sizes(C=c) for c in (1_000, 3_000, 5_000)], Sizes(C=8_000), "C", batch=4_096),
        Step("class similarity of SHC", "centers/class_confusion.py", "C C", "24 C C", work.class_similarity,
             [Sizes(C=c) for c in (2_000, 4_000)], Sizes(C=6_000), "C"),
        Step("centers of SHC", "centers/semantic.py", "C K + C C K", "10 C C + 40960 C + 64 C K", work.shc,
             [Sizes(C=c) for c in (500, 1_000)], Sizes(C=2_000), "C"),
        Step("class sums of codes (CRH)", "centers/assignment.py", "T K", "T K + 8 T + 1e7", work.code_sums,
             few, some, "N"),
        Step("greedy reassignment (CRH)", "centers/assignment.py", "C + C M K", "1.3e8 + 9 M K", work.greedy,
             classes, Sizes(C=6_000), "C"),
        Step("Hungarian reassignment (CRH)", "centers/assignment.py", "C M K + C C M", "8 C M + 9 M K", work.hungarian,
             classes[:2], Sizes(C=3_000), "C"),
        Step("an epoch of a linear head (CRH)", "training/trainer.py", "T + T C", "4 T D + 9 T K + 10000 C", work.epoch,
             [Sizes(T=5_000, C=100), Sizes(T=5_000, C=2_000)], Sizes(T=20_000, C=4_000), "N"),
        Step("pair loss of MDS, a batch of 128", "losses.py", "1 + P K", "4 T K + 25 T + 5e7", work.pair_loss,
             [Sizes(T=400_000, C=c) for c in (500, 4_000)], Sizes(T=1_300_000, C=2_000), "N", batch=128),
        Step("codes of features", "training/trainer.py", "N D", "12 N D + 10 N K", work.encoding, few, some, "N"),
        Step("distance histograms", "codes/histograms.py", "N + N Q W", "2e8 + 32 Q K", after.histograms,
             [Sizes(N=1_000_000, Q=10), Sizes(N=1_000_000, Q=200)], Sizes(N=8_000_000, Q=100), "N"),
        Step("metrics and interval", "evaluation/summary.py", "Q + Q K", "1e8 + 120 Q K", after.metrics,
             [Sizes(Q=q) for q in (2_000, 5_000)], Sizes(Q=20_000), "N"),
        Step("mAP of features by cosine", "evaluation/cosine.py", "N Q + N Q D", "8 N D + 1e8", after.cosines,
             [Sizes(N=200_000, Q=40, C=300, D=d) for d in (64, 256)], Sizes(N=400_000, Q=40, C=600, D=128), "N"),
        Step("audit of codes", "evaluation/audit.py", "N C", "2 N K + 8 N + 9e7", after.audit,
             [Sizes(N=n) for n in (20_000, 50_000)], Sizes(N=100_000, C=2_000), "N"),
        Step("distances of centers", "centers/separation.py", "C C K", "2.5e7 + 7 C K", after.distances,
             [Sizes(C=c) for c in (4_000, 8_000)], Sizes(C=12_000), "C"),
        Step("tree similarity", "evaluation/semantics.py", "C C + C C S", "8 C C + 10240 C", after.tree,
             [*classes, Sizes(C=2_000, S=12)], Sizes(C=4_000, S=8), "C"),
        Step("PCC", "evaluation/semantics.py", "C C", "8 C C + 28672 C", after.correlation,
             classes, Sizes(C=8_000), "C"),
        Step("class means of features", "evaluation/references.py", "N D", "4 N D + 8 C C + 2e8", after.class_means,
             few, some, "N"),
        Step("store a cell", "storage/store.py", "1 + N K", "0.25 N K", after.store, few, Sizes(N=1_000_000), "N"),
        Step("plan a grid", "grid/plan.py", "1 + cells", "10000 cells", after.plan,
             [Sizes(cells=c) for c in (50, 200)], Sizes(cells=1_000), "N"),
        Step("read a grid's results", "storage/results.py", "1 + cells", "30000 cells", after.results,
             [Sizes(cells=c) for c in (20, 50)], Sizes(cells=200), "N"),
    ]  # fmt: skip
