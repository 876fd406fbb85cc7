from pathlib import Path


def test_a_table_for_each_code_length(bench, tiny_options, tmp_path: Path) -> None:
    bench("run", "--methods", "crh,csq,crh-u", "--bits", "8,16", *tiny_options, check=0)
    done = bench("compare", check=0)
    assert done.stdout.count("p (Holm)") == 2
    assert done.stdout.count("csq 0.") == 4  # against crh and against crh-u, at each length


def test_nothing_to_compare_is_a_mistake(bench, tmp_path: Path) -> None:
    done = bench("compare", "nowhere")
    assert done.returncode == 2
    assert "no two methods on the same dataset" in done.stderr
